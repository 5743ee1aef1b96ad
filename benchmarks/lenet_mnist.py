"""LeNet-5 on all of MNIST: python benchmarks/lenet_mnist.py [SEEDS] (needs the real set; about 100 s a seed).

The recipe of chapter 06 (AdamW, one cycle, batch 64),
trained on 60,000 and tested once on 10,000: one epoch, then five.
"""

import sys

import numpy as np
import paddle

from course_utils import datasets, metrics
from course_utils.models import LeNet5
from course_utils.training import Trainer

data = datasets.digits()
if not data.real:
    sys.exit("this benchmark needs the real MNIST: course data get mnist, or COURSE_DATA_DIR=FOLDER")
train, test = (
    datasets.Split(np.pad(split.images, ((0, 0), (0, 0), (2, 2), (2, 2))), split.labels)
    for split in (data.train, data.test)
)
for epochs in (1, 5):
    for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        paddle.seed(seed)
        net = LeNet5()
        steps = epochs * -(-train.size // 64)
        schedule = paddle.optimizer.lr.OneCycleLR(8e-3, steps, divide_factor=10, end_learning_rate=8e-6)
        optimizer = paddle.optimizer.AdamW(schedule, parameters=net.parameters(), weight_decay=0.1)
        trainer = Trainer(
            net, optimizer, prepare=lambda x: (x.astype("float32") / 255 - 0.1) / 0.28, seed=seed, report=None
        )
        history = trainer.fit(train, epochs=epochs)
        result = trainer.evaluate(test)
        low, high = metrics.wilson_interval(result.correct, result.total)
        seconds = np.mean(history.column("seconds"))
        print(
            f"epochs {epochs}, seed {seed}: {100 * result.accuracy:.2f} % [{100 * low:.2f}, {100 * high:.2f}], "
            f"{seconds:.1f} s an epoch",
            flush=True,
        )
