"""ONNX's published cases that are refused: what they are, what their errors say, and their names."""

EXCLUDED = [
    (
        "of one or three dimensions",
        [
            "axes, where pictures have 2 to 4",
            "not 1-D data",
        ],
        """
        averagepool_1d_default averagepool_3d_default
        averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False
        averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True
        averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False
        averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True averagepool_3d_dilations_small
        convtranspose_1d convtranspose_3d maxpool_1d_default maxpool_3d_default maxpool_3d_dilations
        maxpool_3d_dilations_use_ref_impl maxpool_3d_dilations_use_ref_impl_large
        """,
    ),
    (
        "that train",
        [
            "in the mode of training",
        ],
        """
        batchnorm_epsilon_training_mode batchnorm_example_training_mode training_dropout
        training_dropout_default training_dropout_default_mask training_dropout_mask training_dropout_zero_ratio
        training_dropout_zero_ratio_mask
        """,
    ),
    (
        "in whole numbers, of which a quotient is rounded and a sum may run over",
        [
            "computes in whole numbers",
        ],
        """
        div_int16 div_int8 div_uint16 div_uint32 div_uint64 div_uint8 sub_int16 sub_int8 sub_uint16 sub_uint32
        sub_uint64 sub_uint8
        """,
    ),
    (
        "on types of less than 8 bits, truth values, words; casts to whole numbers",
        [
            "no network for pictures",
            "of the type",
            "casts to a type that is not one of floating-point",
        ],
        """
        cast_FLOAT16_to_FLOAT4E2M1 cast_FLOAT16_to_FLOAT8E4M3FN cast_FLOAT16_to_FLOAT8E4M3FNUZ
        cast_FLOAT16_to_FLOAT8E5M2 cast_FLOAT16_to_FLOAT8E5M2FNUZ cast_FLOAT16_to_INT2 cast_FLOAT16_to_INT4
        cast_FLOAT16_to_UINT2 cast_FLOAT16_to_UINT4 cast_FLOAT4E2M1_to_FLOAT cast_FLOAT4E2M1_to_FLOAT16
        cast_FLOAT8E4M3FNUZ_to_FLOAT cast_FLOAT8E4M3FNUZ_to_FLOAT16 cast_FLOAT8E4M3FN_to_FLOAT
        cast_FLOAT8E4M3FN_to_FLOAT16 cast_FLOAT8E5M2FNUZ_to_FLOAT cast_FLOAT8E5M2FNUZ_to_FLOAT16
        cast_FLOAT8E5M2_to_FLOAT cast_FLOAT8E5M2_to_FLOAT16 cast_FLOAT_to_FLOAT4E2M1 cast_FLOAT_to_FLOAT8E4M3FN
        cast_FLOAT_to_FLOAT8E4M3FNUZ cast_FLOAT_to_FLOAT8E5M2 cast_FLOAT_to_FLOAT8E5M2FNUZ cast_FLOAT_to_INT2
        cast_FLOAT_to_INT4 cast_FLOAT_to_UINT2 cast_FLOAT_to_UINT4 cast_INT2_to_FLOAT cast_INT2_to_FLOAT16
        cast_INT2_to_INT8 cast_INT4_to_FLOAT cast_INT4_to_FLOAT16 cast_INT4_to_INT8 cast_UINT2_to_FLOAT
        cast_UINT2_to_FLOAT16 cast_UINT2_to_UINT8 cast_UINT4_to_FLOAT cast_UINT4_to_FLOAT16 cast_UINT4_to_UINT8
        cast_e8m0_FLOAT16_to_FLOAT8E8M0 cast_e8m0_FLOAT8E8M0_to_FLOAT cast_e8m0_FLOAT8E8M0_to_FLOAT16
        cast_e8m0_FLOAT_to_FLOAT8E8M0 cast_no_saturate_FLOAT16_to_FLOAT8E4M3FN
        cast_no_saturate_FLOAT16_to_FLOAT8E4M3FNUZ cast_no_saturate_FLOAT16_to_FLOAT8E5M2
        cast_no_saturate_FLOAT16_to_FLOAT8E5M2FNUZ cast_no_saturate_FLOAT_to_FLOAT8E4M3FN
        cast_no_saturate_FLOAT_to_FLOAT8E4M3FNUZ cast_no_saturate_FLOAT_to_FLOAT8E5M2
        cast_no_saturate_FLOAT_to_FLOAT8E5M2FNUZ castlike_FLOAT16_to_FLOAT4E2M1_expanded
        castlike_FLOAT16_to_FLOAT8E4M3FNUZ_expanded castlike_FLOAT16_to_FLOAT8E4M3FN_expanded
        castlike_FLOAT16_to_FLOAT8E5M2FNUZ_expanded castlike_FLOAT16_to_FLOAT8E5M2_expanded
        castlike_FLOAT16_to_INT2_expanded castlike_FLOAT16_to_INT4_expanded castlike_FLOAT16_to_UINT2_expanded
        castlike_FLOAT16_to_UINT4_expanded castlike_FLOAT4E2M1_to_FLOAT16_expanded
        castlike_FLOAT4E2M1_to_FLOAT_expanded castlike_FLOAT8E4M3FNUZ_to_FLOAT16_expanded
        castlike_FLOAT8E4M3FNUZ_to_FLOAT_expanded castlike_FLOAT8E4M3FN_to_FLOAT16_expanded
        castlike_FLOAT8E4M3FN_to_FLOAT_expanded castlike_FLOAT8E5M2FNUZ_to_FLOAT16_expanded
        castlike_FLOAT8E5M2FNUZ_to_FLOAT_expanded castlike_FLOAT8E5M2_to_FLOAT16_expanded
        castlike_FLOAT8E5M2_to_FLOAT_expanded castlike_FLOAT_to_FLOAT4E2M1_expanded
        castlike_FLOAT_to_FLOAT8E4M3FNUZ_expanded castlike_FLOAT_to_FLOAT8E4M3FN_expanded
        castlike_FLOAT_to_FLOAT8E5M2FNUZ_expanded castlike_FLOAT_to_FLOAT8E5M2_expanded
        castlike_FLOAT_to_INT2_expanded castlike_FLOAT_to_INT4_expanded castlike_FLOAT_to_UINT2_expanded
        castlike_FLOAT_to_UINT4_expanded castlike_INT2_to_FLOAT16_expanded castlike_INT2_to_FLOAT_expanded
        castlike_INT2_to_INT8_expanded castlike_INT4_to_FLOAT16_expanded castlike_INT4_to_FLOAT_expanded
        castlike_INT4_to_INT8_expanded castlike_UINT2_to_FLOAT16_expanded castlike_UINT2_to_FLOAT_expanded
        castlike_UINT2_to_UINT8_expanded castlike_UINT4_to_FLOAT16_expanded castlike_UINT4_to_FLOAT_expanded
        castlike_UINT4_to_UINT8_expanded castlike_no_saturate_FLOAT16_to_FLOAT8E4M3FNUZ_expanded
        castlike_no_saturate_FLOAT16_to_FLOAT8E4M3FN_expanded
        castlike_no_saturate_FLOAT16_to_FLOAT8E5M2FNUZ_expanded
        castlike_no_saturate_FLOAT16_to_FLOAT8E5M2_expanded
        castlike_no_saturate_FLOAT_to_FLOAT8E4M3FNUZ_expanded
        castlike_no_saturate_FLOAT_to_FLOAT8E4M3FN_expanded
        castlike_no_saturate_FLOAT_to_FLOAT8E5M2FNUZ_expanded castlike_no_saturate_FLOAT_to_FLOAT8E5M2_expanded
        div_int32_trunc max_int32 max_int64 min_int32 min_int64 reduce_max_bool_inputs
        """,
    ),
    (
        "with a number for each place or column, beside the picture",
        [
            "one, or one for each channel, is possible",
            "numbers for its bound; one is possible",
            "one for each channel is possible",
        ],
        """
        add_bcast div div_bcast max_float16 max_float32 max_float64 max_int16 max_int8 max_two_inputs max_uint16
        max_uint32 max_uint64 max_uint8 min_float16 min_float32 min_float64 min_int16 min_int8 min_two_inputs
        min_uint16 min_uint32 min_uint64 min_uint8 mul_bcast prelu_broadcast prelu_example sub sub_bcast
        """,
    ),
    (
        "over other axes than those of channels, or of height and width together",
        [
            "over channels or a vector it is done",
            "pads axis 0",
            "some of axis 0",
            "every second place",
            "crops all of",
            "height and width together are done",
            "along the channels, or of vectors, it is done",
        ],
        """
        center_crop_pad_crop_and_pad_expanded center_crop_pad_crop_axes_hwc_expanded
        center_crop_pad_crop_expanded center_crop_pad_crop_negative_axes_hwc_expanded
        center_crop_pad_pad_expanded concat_2d_axis_0 concat_2d_axis_negative_2 concat_3d_axis_1
        concat_3d_axis_2 concat_3d_axis_negative_1 concat_3d_axis_negative_2
        group_normalization_epsilon_expanded group_normalization_example_expanded
        reduce_max_default_axes_keepdim_example reduce_max_default_axes_keepdims_random
        reduce_max_do_not_keepdims_example reduce_max_do_not_keepdims_random reduce_max_empty_set
        reduce_max_keepdims_example reduce_max_keepdims_random reduce_max_negative_axes_keepdims_example
        reduce_max_negative_axes_keepdims_random reduce_mean_default_axes_keepdims_example
        reduce_mean_default_axes_keepdims_random reduce_mean_do_not_keepdims_example
        reduce_mean_do_not_keepdims_random reduce_mean_keepdims_example reduce_mean_keepdims_random
        reduce_mean_negative_axes_keepdims_example reduce_mean_negative_axes_keepdims_random slice
        slice_neg_steps slice_start_out_of_bounds softmax_axis_1 softmax_axis_2 softmax_default_axis
        softmax_negative_axis
        """,
    ),
    (
        "of resizing: cubic, antialiased, to a part of the picture, to a size in proportion",
        [
            "nearest and linear are done",
            "has the coordinates",
        ],
        """
        resize_downsample_scales_cubic resize_downsample_scales_cubic_A_n0p5_exclude_outside
        resize_downsample_scales_cubic_align_corners resize_downsample_scales_cubic_antialias
        resize_downsample_scales_linear_antialias resize_downsample_scales_linear_half_pixel_symmetric
        resize_downsample_sizes_cubic resize_downsample_sizes_cubic_antialias
        resize_downsample_sizes_linear_antialias resize_downsample_sizes_nearest_not_larger
        resize_downsample_sizes_nearest_not_smaller resize_tf_crop_and_resize resize_tf_crop_and_resize_axes_2_3
        resize_tf_crop_and_resize_axes_3_2 resize_tf_crop_and_resize_extrapolation_value
        resize_upsample_scales_cubic resize_upsample_scales_cubic_A_n0p5_exclude_outside
        resize_upsample_scales_cubic_align_corners resize_upsample_scales_cubic_asymmetric
        resize_upsample_scales_linear_half_pixel_symmetric resize_upsample_sizes_cubic
        resize_upsample_sizes_nearest_not_larger resize_upsample_sizes_nearest_not_smaller
        """,
    ),
    (
        "of products of matrices that are no dense layer of one picture",
        [
            "those of a dense layer have 2 axes",
            "has the axes F x N",
            "results of one picture",
        ],
        """
        flexattention_diff_head_sizes_expanded_ver26 flexattention_double_expanded_ver26
        flexattention_expanded_ver26 flexattention_fp16_expanded_ver26 flexattention_gqa_expanded_ver26
        flexattention_prob_mod_expanded_ver26 flexattention_scaled_expanded_ver26
        flexattention_score_mod_expanded_ver26 flexattention_soft_cap_expanded_ver26 gemm_all_attributes
        gemm_default_matrix_bias gemm_transposeA matmul_1d_1d matmul_1d_3d matmul_3d matmul_4d matmul_4d_1d
        matmul_bcast
        """,
    ),
    (
        "in which nothing is computed: axes are moved, or counted",
        [
            "no output that is computed from a picture",
        ],
        """
        cast_BFLOAT16_to_FLOAT cast_DOUBLE_to_FLOAT cast_DOUBLE_to_FLOAT16 cast_FLOAT16_to_DOUBLE
        cast_FLOAT16_to_FLOAT cast_FLOAT_to_BFLOAT16 cast_FLOAT_to_DOUBLE cast_FLOAT_to_FLOAT16
        castlike_BFLOAT16_to_FLOAT_expanded castlike_DOUBLE_to_FLOAT16_expanded
        castlike_DOUBLE_to_FLOAT_expanded castlike_FLOAT16_to_DOUBLE_expanded castlike_FLOAT16_to_FLOAT_expanded
        castlike_FLOAT_to_BFLOAT16_expanded castlike_FLOAT_to_DOUBLE_expanded castlike_FLOAT_to_FLOAT16_expanded
        clip_default_inbounds clip_default_inbounds_expanded clip_default_int8_inbounds
        clip_default_int8_inbounds_expanded flatten_axis0 flatten_axis2 flatten_axis3 flatten_negative_axis1
        flatten_negative_axis2 flatten_negative_axis4 identity reshape_negative_extended_dims
        reshape_reduced_dims reshape_zero_and_negative_dim reshape_zero_dim shape shape_clip_end
        shape_clip_start shape_end_1 shape_end_negative_1 shape_example shape_start_1 shape_start_1_end_2
        shape_start_1_end_negative_1 shape_start_greater_than_end shape_start_negative_1 squeeze
        squeeze_negative_axes sum_one_input transpose_all_permutations_0 transpose_all_permutations_1
        transpose_all_permutations_2 transpose_all_permutations_3 transpose_all_permutations_4
        transpose_all_permutations_5 transpose_default unsqueeze_axis_0 unsqueeze_axis_1 unsqueeze_axis_2
        unsqueeze_negative_axes unsqueeze_three_axes unsqueeze_two_axes unsqueeze_unsorted_axes
        """,
    ),
    (
        "that join results and numbers of the file",
        [
            "has no input that comes from the picture",
        ],
        """
        causal_conv_with_state_decode_step_expanded causal_conv_with_state_with_bias_and_past_state_expanded
        causal_conv_with_state_with_past_state_expanded
        """,
    ),
    (
        "that move axes to what is neither maps nor a vector",
        [
            "order that no stage gives",
            "does not go with",
            "does not say how many channels",
        ],
        """
        reshape_allowzero_reordered reshape_extended_dims reshape_negative_dim reshape_reordered_all_dims
        reshape_reordered_last_dims
        """,
    ),
    (
        "of the error function alone",
        [
            "uses the error function in another way",
        ],
        """
        erf
        """,
    ),
    (
        "of average pools with dilation",
        [
            "has dilation, which average pools",
        ],
        """
        averagepool_2d_dilations
        """,
    ),
    (
        "that compare results",
        [
            "compares results with each other",
        ],
        """
        max_example max_one_input min_example min_one_input
        """,
    ),
]
