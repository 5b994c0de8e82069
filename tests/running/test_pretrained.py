"""A network that other people trained and saved with PyTorch, against what PyTorch makes of it."""

import numpy as np

from cnnfilter import Pipeline
from tests.command import PHOTO, ROOT

FILE = f"weights={ROOT}/samples/kernels/pnet.pt"
PNET = (
    f"normalize:divide=1:mean=127.5:std=128,conv:10@3x3:as=conv1:{FILE},prelu:as=prelu1:{FILE},maxpool:2:ceil_mode=yes,"
    f"conv:16@3x3:as=conv2:{FILE},prelu:as=prelu2:{FILE},conv:32@3x3:as=conv3:{FILE},prelu:as=prelu3:{FILE},"
    f"conv:2@1x1:as=conv4_1:{FILE},softmax:as=faces,from:prelu3,conv:4@1x1:as=conv4_2:{FILE},concat:faces"
)

# Recorded with PyTorch 2.14.1 in float64: PNet of facenet-pytorch 2.6.0 with its pnet.pt, on `(PHOTO - 127.5) / 128`.
FACES = [
    [0.0028117402158582276, 0.0038190923743434205, 0.0038705010004244393],
    [0.002695313038278505, 0.00018999600656027573, 0.004214562444845463],
    [0.0040041603963442375, 0.006916690576293206, 0.17593506415580634],
]
BOX = [0.04558603955780018, 0.05561092153240824, -0.3761394289683871, -0.07815139676405251]
SUM_OF_FACES, SUM_OF_BOXES = 2.92035627959732, 97.34619767263678


def test_a_network_of_other_people_sees_what_it_saw():
    result = Pipeline.parse(PNET).run(PHOTO)
    assert result.shape == (6, 10, 18)
    faces, boxes = result[1], result[2:]
    np.testing.assert_allclose(faces[::4, ::6], FACES, rtol=1e-4)
    np.testing.assert_allclose(boxes[:, 3, 5], BOX, rtol=1e-4)
    np.testing.assert_allclose(faces.astype(np.float64).sum(), SUM_OF_FACES, rtol=1e-4)
    np.testing.assert_allclose(np.abs(boxes.astype(np.float64)).sum(), SUM_OF_BOXES, rtol=1e-4)
