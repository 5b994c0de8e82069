// The types that all scripts share. They are joined in the order that `assembly.py` lists: what one declares at its top,
// all after it see. Python fills `Contents`; `model.js` holds what the person makes of it.

/** @typedef {number[]} Shape  [H, W, C] of maps, or [n] of a vector, as the plan has it */
/** @typedef {[number, number]} Pair  one number for the vertical axis and one for the horizontal */
/** @typedef {[Pair, Pair]} Pads  [[above, below], [left, right]] */
/** @typedef {Pads | string} Padding  amounts, or "same" or "same-lower", which depend on the input */
/** @typedef {number[]} Place  [row, column, map] in maps, or [index] in a vector */

/**
 * @typedef {object} Maps  maps or a vector
 * @property {Shape} shape
 * @property {Float32Array} values  maps lie one after the other, (C, H, W)
 */

/**
 * @typedef {object} Kernel  one of the catalogue, or the person's own, which is called "custom"
 * @property {string} name
 * @property {number[][][]} filters  matrices of one size, before the scale
 * @property {Pair} scale  numerator and denominator of what each number is multiplied by
 * @property {string | null} combine  what the results of several filters become: "magnitude" or "maximum"
 */

/**
 * @typedef {object} Stage  one of the network; it is never changed, but replaced by another
 * @property {string} kind  key of `KINDS`: "conv", "maxpool", "relu", ...
 * @property {string | null} name  what it is called (`as=`), untrusted text
 * @property {number[]} reads  the numbers of what it reads: stages counted from 1, 0 the picture
 * @property {Record<string, any>} keys  what its text says, as `page/records.py` has it for each kind
 * @property {Record<string, Learned>} learned  `weight`, `bias` and so on, under PyTorch's names and in its layouts
 * @property {string[]} [aliases]  other names that it answers to
 * @property {number | null} [group]  the piece of text that it came out of with others, of `Contents.groups`
 */

/**
 * @typedef {object} Learned  an array of learned numbers
 * @property {number[]} shape
 * @property {Float32Array} values
 */

/**
 * @typedef {object} Region  what one value reads of one input of its stage
 * @property {Pair} [rows]  the first row and the last, which may lie outside of the input: in the padding; [0, -1] of none
 * @property {Pair} [columns]
 * @property {Pair} [maps]
 * @property {Pair} [step]  rows and columns from one that is read to the next: the dilation, 1 where left out
 * @property {string} [border]  what the padding holds, as the stage's text says it; "zeros" where left out
 * @property {Pair} [range]  of a vector, instead of all these: the first index and the last
 */

/**
 * @typedef {object} Sight  what the values along one axis of a result see of the samples along that axis of the input;
 *  see `network/stages/sight.py`
 * @property {number} size  samples from the first that a value sees to the last; may be a fraction where maps are enlarged
 * @property {number} stride  from the first sample that one value sees to that of the next one
 * @property {number} start  the first sample that the first value sees; below 0 in the padding
 * @property {(place: number) => number[]} seen  the samples that a value sees, ascending, those in the padding too; also
 *  of places beyond the result, by the same rule
 * @property {number} [period]  how many values differ in how far they reach; 1 where left out
 */

/**
 * @typedef {object} Figures  what a stage costs, and how its size comes about
 * @property {number} parameters
 * @property {number} macs  multiply-adds
 * @property {string} arithmetic  lines, as `cnnfilter shape` prints them
 */

/**
 * @typedef {object} Step  what a stage did to make one value, as `cnnfilter explain --json` has it, without `number`,
 *  `name`, `stage`: these the model adds
 * @property {string} kind
 * @property {Place} at
 * @property {number} value
 * @property {Place | null} follows  the place in the input that counts most
 * @property {number} [source]  of a join: which of its inputs `follows` is a place in
 */
/** @typedef {Step & Record<string, any>} AnyStep */

/** @typedef {Record<string, Learned>} Gradients  how a loss changes with learned numbers, by their roles */

/** @typedef {{at: Place, slope: number}} Slope  how much a value of a result changes with a sample that it sees */

/**
 * @typedef {object} Met  what a weight met, place by place: the gradient is the sum of each delta times its sample
 * @property {(index: number) => Place} place  in the stage's result, without the map
 * @property {Float64Array} deltas  of the values there
 * @property {Float64Array} samples  of the input, that the weight was multiplied with; of padding what the border holds
 */

/**
 * @typedef {object} WeightsOf  how weights are told one by one; their places are those of `learned.weight`
 * @property {(stage: Stage, at: number[]) => number} value  as it multiplies
 * @property {(stage: Stage, input: Maps, at: number[], delta: Maps) => Met} met
 */

/**
 * @typedef {object} Control  a key of a stage that a person can change
 * @property {string} key  of `stage.keys`, or of `stage.learned` where the type is "weights"
 * @property {string} label
 * @property {"number"|"numbers"|"whole"|"pair"|"padding"|"choice"|"check"|"kernel"|"weights"} type
 * @property {string[]} [choices]
 * @property {number} [least]
 * @property {number} [most]
 * @property {(text: string) => any} [read]  the value of a text, where the type alone does not say it
 * @property {(value: any) => string} [show]  the text of a value, likewise
 * @property {(stage: Stage) => boolean} [when]  whether such a stage has it; all have it where left out
 */

/**
 * @typedef {object} Kind  what the page knows of a kind of stage: its aspect, an entry of `KINDS`
 * @property {(stage: Stage, inputs: Shape[]) => Shape} output  throws a `Mistake`, in the command's words
 * @property {(stage: Stage, inputs: Shape[]) => Figures} figures
 * @property {(stage: Stage, inputs: Shape[]) => number} [work]  operations, where multiply-adds do not tell them: a pool's
 * @property {(stage: Stage, inputs: Maps[]) => Maps} compute  sums in double precision
 * @property {(stage: Stage, inputs: Shape[], at: Place) => (Region | null)[]} regions  one for each input, null of one
 *  that the value does not read
 * @property {(stage: Stage, input: Shape) => [Sight, Sight]} [sights]  left out where values see the one at their own place
 * @property {(stage: Stage, input: Shape) => boolean} [seesAll]  whether each value sees all of the input
 * @property {(stage: Stage, inputs: Maps[], at: Place, value: number) => AnyStep} explain
 * @property {(stage: Stage, inputs: Maps[], output: Maps, delta: Maps) => Maps[]} deltas  how a loss changes with each
 *  input, from how it does with the result: its delta
 * @property {(stage: Stage, inputs: Maps[], output: Maps, input: number, at: Place) => Slope[]} slopes  how values of the
 *  result change with a sample of one of the inputs: of those that see it
 * @property {(stage: Stage, inputs: Maps[], delta: Maps) => Gradients} [gradients]  how a loss changes with what it has
 *  learned, by the names that `learned` has, and of the same sizes; left out where it learns nothing
 * @property {WeightsOf} [weights]  how its weights are told one by one; left out where it has none
 * @property {(stage: Stage) => string} text  as `str(stage)` in Python, without `as=`
 * @property {(stage: Stage) => string} [told]  as `text`, where steps have another: with what `normalize` divides by
 * @property {(text: string) => {keys: Record<string, any>, learned?: Record<string, Learned>,
 *  names?: string[]}} parse  reads what stands
 *  behind the name and its colon, as far as a person may add such a stage; throws a `Mistake`
 * @property {(stage: Stage, before: Stage[]) => Stage} [amid]  the stage as those are that lead to it, the nearest first;
 *  left out where it does not depend on them; throws a `Mistake`
 * @property {boolean} [joins]  whether it reads several results, as `add` does
 * @property {Control[]} controls
 */

/** @typedef {{type: "uint8"|"uint16"|"float32", shape: number[], data: string}} Packed  base64 of deflated bytes */

/**
 * @typedef {object} Contents  what Python embeds
 * @property {string} title
 * @property {string} before  the text of what Python did before the first stage, such as "resize:256,crop:224"
 * @property {string | null} whole  the text of the network that this one is the beginning of, if it is
 * @property {string | null} input  what the picture is called after that, if anything
 * @property {{name: string, file: string | null, scale: number, maps: Packed}} picture  its full scale; maps (C, H, W), as they are after that
 * @property {{kind: string, name: string | null, aliases: string[], group: number | null, reads: number[],
 *   keys: Record<string, any>, learned: Record<string, Packed>, result?: Packed}[]} stages  a result where none is
 *   computed on the page
 * @property {{text: string, stages: number}[]} groups  presets and files of networks, and how many stages each has
 * @property {string[]} labels  the names of the classes, untrusted text
 * @property {Kernel[]} kernels  the catalogue
 * @property {boolean} isStatic  whether nothing can be changed, as results are embedded
 * @property {{macs: number, values: number}} limits  the most multiply-adds that the page computes, and the most values
 *  of all results
 */
