# %% [markdown]
# # LeNet-5 on handwritten digits (手写数字识别)
#
# Sixty thousand digits, a network of 1998 and one minute of training: how it works, how well, and how sure we may be.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("06_lenet_digits", seed=6)

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F

from course_utils import datasets, errata, explain, metrics, ops, plotting, timing
from course_utils.demos.draw_digit import EXAMPLE, as_mnist, draw_digit
from course_utils.models import LeNet5, LeNet1998
from course_utils.models.lenet import C3_TABLE, lenet_1998_counts
from course_utils.summary import summarize
from course_utils.training import Trainer

# %% [markdown]
# Every task of machine learning has five parts, and they are the sections of this chapter: the **data** (1), the
# **model** (2, 3), the **loss** that says how wrong it is and the **optimizer** that makes it less wrong (4, 5), and the
# **evaluation** (6, 7).
#
# ## 1 What do the data look like?

# %% tags=["nbval-ignore-output"]
data = datasets.digits()
print(data.source)
print("Cite:", data.citation)
print("Licence:", data.licence)
figure = plotting.image_grid(
    data.train.images[:20, 0],
    [str(label) for label in data.train.labels[:20]],
    columns=10,
    size=0.85,
    message=f"The first twenty digits and their labels ({data.name})",
)
plt.show()

# %%
images, labels = data.train
assert images.dtype == np.uint8 and images.shape[1:] == (1, 28, 28) and len(images) == len(labels)
print("an image:", list(images.shape[1:]), images.dtype, "from", images.min(), "to", images.max())
print("a label: one of", data.classes)

# %% [markdown]
# An image is one channel of $28 \times 28$ grey values, a label is the digit that somebody meant. Before any training,
# count the labels: a net that always says the most frequent digit is right as often as that digit occurs. Every accuracy
# below has to be read against that number.

# %% tags=["nbval-ignore-output"]
counts = np.bincount(data.test.labels, minlength=10)
share = counts.max() / counts.sum()
figure, axis = plt.subplots(figsize=(8, 2.8))
axis.bar(data.classes, 100 * counts / counts.sum())
axis.axhline(10, color="C1", linestyle="--", label="all equal")
axis.set(xlabel="digit", ylabel="% of the test set")
axis.set_title("No digit is rare: always saying one of them is right about one time in ten")
axis.legend(loc="lower right")
plt.show()

# %%
assert 0.09 < share < 0.13
print("always saying the most frequent digit is right less often than 13 %:", share < 0.13)

# %% [markdown]
# LeNet reads $32 \times 32$ pixels, so each image gets a frame of two black pixels. The paper's reason: the end of a
# stroke shall be able to lie in the *middle* of the window of the last layer (LeCun et al. 1998, section II.B).
#
# The training images are split once more. The net learns from one part; the other, for validation (验证), tells us when
# to stop. The test images stay closed until section 6.


# %%
def frame(split):
    """A frame of two black pixels: 28x28 -> 32x32."""
    return datasets.Split(np.pad(split.images, ((0, 0), (0, 0), (2, 2), (2, 2))), split.labels)


size = min(len(labels), run.pick(full=60_000, quick=6_000))
held = size // 12
train = frame(datasets.Split(images[: size - held], labels[: size - held]))
valid = frame(datasets.Split(images[size - held : size], labels[size - held : size]))
test = frame(data.test.take(run.pick(full=10_000, quick=2_000)))
assert train.images.shape[1:] == (1, 32, 32)
print("framed image:", list(train.images.shape[1:]))

# %% tags=["nbval-ignore-output"]
print(f"{len(train.labels):,} to learn from, {len(valid.labels):,} to validate, {len(test.labels):,} to test")

# %%
assert len(train.labels) > 10 * len(valid.labels) > 0 and len(test.labels) > 0

# %% [markdown]
# The book of the course wraps its images in a `Dataset` class with two methods, `__getitem__` (one sample by its number)
# and `__len__` (how many there are). We write it once, since you will meet it everywhere:


# %%
class DigitDataset(paddle.io.Dataset):
    """One sample at a time: a float image [1, 32, 32] in 0..1, and its label."""

    def __init__(self, split):
        super().__init__()
        self.split = split

    def __getitem__(self, index):
        return self.split.images[index].astype("float32") / 255, self.split.labels[index]

    def __len__(self):
        return len(self.split.labels)


one, label = DigitDataset(train)[0]
print("sample 0:", list(one.shape), one.dtype, "and a label")

# %% [markdown]
# From here on we do without it. All images are one array already, and a batch of 64 is a slice of it: fetching 64 samples
# one by one and stacking them again is work that teaches the net nothing.

# %% tags=["nbval-ignore-output"]
dataset, rows = DigitDataset(train), np.arange(64)
ratio = timing.interleaved_ratios(
    {
        "one by one": lambda: np.stack([dataset[int(row)][0] for row in rows]),
        "a slice": lambda: train.images[rows].astype("float32") / 255,
    },
    reference="a slice",
    repeats=50,
)
print(f"a batch of 64, one by one: {ratio['one by one']:.1f} times the time of a slice")

# %%
one_by_one = np.stack([dataset[int(row)][0] for row in rows])
assert np.array_equal(one_by_one, train.images[rows].astype("float32") / 255)
print("both batches are the same")

# %% [markdown]
# ## 2 How do 1,024 pixels become ten numbers?
#
# LeNet-5 alternates what chapter 01 taught with two simple steps. Convolutions find patterns. ReLU, $\max(0, x)$, keeps
# what was found and drops the rest; without such a bend, layers of sums would collapse into one sum. Max-pooling
# (最大汇聚) keeps the largest of each $2 \times 2$ window: the map shrinks, and a small shift no longer matters. At the end
# fully connected layers weigh everything. Its last ten numbers are the *logits*: one score a digit.
#
# **Predict first:** which layer holds most of the parameters?

# %%
paddle.seed(run.seed)
net = LeNet5()
table = summarize(net, (1, 1, 32, 32))
assert table.trainable == 61_706
table

# %%
rows = [row for row in table.rows if row.trainable]
figure, axes = plt.subplots(1, 2, figsize=(9, 2.9))
for axis, field, title in zip(axes, ("trainable", "macs"), ("C5 holds most parameters", "C3 does most of the work")):
    values = np.array([getattr(row, field) for row in rows])
    axis.barh([row.name for row in rows][::-1], 100 * values[::-1] / values.sum())
    axis.set_title(title)
    axis.set_xlabel("% of the parameters" if field == "trainable" else "% of the multiply-accumulates")
plt.show()

# %% [markdown]
# The two pictures differ because a convolution uses each weight at every place: few weights, much work. C5 is the reverse:
# its kernel of $5 \times 5$ covers the whole map of $5 \times 5$, so each of its weights is used once. It is a fully
# connected layer in the dress of a convolution.
#
# Each number can be had by hand. C1 has six kernels with $5 \cdot 5$ weights and a bias; C3 has sixteen kernels, each with
# a slice for all six maps:

# %%
print("C1:", 6 * (1 * 5 * 5 + 1), " C3:", 16 * (6 * 5 * 5 + 1), " C5:", 120 * (16 * 5 * 5 + 1))
print("F6:", 84 * (120 + 1), " output:", 10 * (84 + 1))
print("together:", f"{6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85:,}")

# %% [markdown]
# Nothing in this net is out of your reach: chapter 01 wrote the convolution, and pooling is the largest value of each
# window. The same weights, with our own operators:


# %%
def lenet_by_hand(net, x, conv2d=ops.conv2d_unfold):
    """LeNet-5 from our own operators: x [N, 1, 32, 32] -> logits [N, 10]."""
    x = ops.max_pool2d(F.relu(conv2d(x, net.c1.weight, net.c1.bias)), 2)  # [N, 6, 14, 14]
    x = ops.max_pool2d(F.relu(conv2d(x, net.c3.weight, net.c3.bias)), 2)  # [N, 16, 5, 5]
    x = F.relu(conv2d(x, net.c5.weight, net.c5.bias)).flatten(1)  # [N, 120]
    x = F.relu(x @ net.f6.weight + net.f6.bias)  # [N, 84]
    return x @ net.output.weight + net.output.bias


batch = paddle.to_tensor(train.images[:64]).astype("float32") / 255
with paddle.no_grad():
    native, by_hand = net(batch).numpy(), lenet_by_hand(net, batch).numpy()
error = np.abs(native - by_hand).max() / np.abs(native).max()
assert error < 1e-5
print("logits", list(by_hand.shape), "- equal to paddle.nn within 1e-5:", error < 1e-5)

# %% [markdown]
# **Predict first:** for one digit, how many times as long as Paddle does our net take, once with `unfold` and once with
# the loops over all places?


# %% tags=["nbval-ignore-output"]
def with_loops(x, w, b):
    """The two loops of chapter 01, on tensors."""
    return paddle.to_tensor(ops.conv2d_two_loops(x.numpy(), w.numpy(), b.numpy()))


one = batch[:1]
with paddle.no_grad():
    ratios = timing.interleaved_ratios(
        {
            "two Python loops": lambda: lenet_by_hand(net, one, with_loops),
            "our operators on unfold": lambda: lenet_by_hand(net, one),
            "paddle.nn": lambda: net(one),
        },
        reference="paddle.nn",
        repeats=run.pick(full=30, quick=5),
    )
plotting.ratio_bars(ratios, "The same logits for one digit, at three speeds", "paddle.nn")
plt.show()

# %%
with paddle.no_grad():
    logits = {"loops": lenet_by_hand(net, one, with_loops).numpy(), "unfold": lenet_by_hand(net, one).numpy()}
for name, values in logits.items():
    assert np.abs(values - native[:1]).max() < 1e-5 * np.abs(native[:1]).max()
    print(f"{name}: the same logits as paddle.nn within 1e-5")
assert ratios["two Python loops"] > 1

# %% [markdown]
# ## 3 What did the paper build in 1998?
#
# Three things were different, and each is worth knowing.
#
# - **C3 is partial.** Each of its sixteen maps reads only some of the six maps before it: fewer parameters, and maps that
#   are forced to differ.
# - **Pooling is trained.** Each map has two numbers, a coefficient $c$ and a bias $b$, and computes
#   $f(c \cdot \text{sum of four} + b)$ with $f(a) = 1.7159 \tanh(\tfrac{2}{3} a)$.
# - **The output compares.** The 84 values of F6 are compared with a fixed pattern of $\pm 1$ for each digit, by squared
#   distance.

# %%
figure = plotting.connection_table(
    C3_TABLE, "C3 in 1998: no map sees everything but the last", inputs="map of S2", outputs="map of C3"
)
plt.show()

# %% [markdown]
# The paper counts *connections* as well: how often a weight or bias is used. For a convolution with $n$ maps of
# $m \times m$, a kernel of $k \times k$ and $c_i$ inputs to map $i$: $\sum_i (c_i k^2 + 1)$ parameters, each used at $m^2$
# places. Pooling has 2 parameters a map and $4 + 1$ connections a neuron.

# %%
counts = lenet_1998_counts()
print("layer    maps   neurons  parameters  connections")
for row in counts:
    print(f"{row.layer:7} {row.maps:5} {row.neurons:9,} {row.trainable:11,} {row.connections:12,}")
parameters, connections = sum(row.trainable for row in counts), sum(row.connections for row in counts)
assert (parameters, connections) == (60_000, 340_908)  # the paper's own totals
assert sum(p.size for p in LeNet1998().parameters()) == parameters
print(f"total {parameters:32,} {connections:12,}")

# %% [markdown]
# These are the paper's totals, and the network that `models.lenet.LeNet1998` builds has as many. With a full C3 and plain
# pooling the number would be larger; the modern form above adds 850 for a trained output layer as well.
#
# ## 4 What does it mean to learn?
#
# The net gives logits $z_0, \dots, z_9$. The **softmax** turns them into probabilities:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$
#
# If the label is $t$, the **cross entropy** (交叉熵) is $L = -\log p_t$: 0 where the net is sure and right, and large where
# it is sure and wrong. A net that knows nothing gives each digit $p = 0.1$. **Predict first:** what is its loss?


# %%
def softmax(z):
    """Probabilities [N, K] of logits z [N, K]; subtracting the largest changes nothing but keeps exp finite."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(z, t):
    """Mean of -log p_t over the batch; z [N, K], t [N]."""
    return -np.log(softmax(z)[np.arange(len(t)), t]).mean()


print(f"knows nothing: {cross_entropy(np.zeros((1, 10)), [3]):.4f}, which is log 10 = {np.log(10):.4f}")

# %%
z, t = native.astype("float64"), train.labels[:64]
theirs = float(F.cross_entropy(paddle.to_tensor(z), paddle.to_tensor(t)))
assert abs(cross_entropy(z, t) - theirs) < 1e-9
print("equal to paddle's cross_entropy within 1e-9")

# %% [markdown]
# To learn is to go downhill: change each weight a little in the direction in which the loss falls. For that we need the
# slope of $L$ for every weight. The chain rule (链式法则) hands it backwards from layer to layer, and its first link is
# pleasantly simple: $\partial L / \partial z_k = p_k - [k = t]$, what the net said minus what is true.

# %%
logits = paddle.to_tensor(z, stop_gradient=False)
F.cross_entropy(logits, paddle.to_tensor(t)).backward()
by_hand = (softmax(z) - np.eye(10)[t]) / len(t)  # the mean over the batch divides by its size
assert np.allclose(logits.grad.numpy(), by_hand, rtol=0, atol=1e-9)
print("p - y is the gradient that Paddle computes")

# %% [markdown]
# The rest is multiplication by each layer's own slope, which Paddle does for us. A step of gradient descent (梯度下降) is
# then, for every weight $w$, $w \leftarrow w - \eta \, \partial L / \partial w$, where $\eta$ is the learning rate (学习率).


# %%
def loss_of(net):
    return F.cross_entropy(net(batch), paddle.to_tensor(t))


before = loss_of(net)
before.backward()
with paddle.no_grad():
    for w in net.parameters():
        w.set_value(w - 0.1 * w.grad)
net.clear_gradients()
after = loss_of(net)
assert after.item() < before.item()
print("one step made the loss on these 64 digits smaller:", after.item() < before.item())

# %% [markdown]
# ## 5 How does it learn from all of them?
#
# Training repeats that step with a fresh batch of 64 each time. Once through all images is an *epoch*. Two refinements:
# Adam (chapter 05) gives each weight a step size of its own, and the learning rate rises at first, while the net knows
# nothing, and falls to almost zero at the end, so that the weights can settle (one-cycle, Smith 2018).
#
# After each epoch the validation images are judged, and the weights of the best epoch are kept.


# %%
def prepare(images):
    """uint8 [N, 1, 32, 32] -> float32, with a mean near 0 and a spread near 1."""
    return (images.astype("float32") / 255 - 0.1) / 0.28


def make_trainer(net, epochs, lr, **arguments):
    """Adam with one cycle of the learning rate over all steps of the run."""
    steps = epochs * -(-len(train.labels) // 64)
    schedule = paddle.optimizer.lr.OneCycleLR(lr, steps, divide_factor=10, end_learning_rate=lr / 1000)
    optimizer = paddle.optimizer.Adam(schedule, parameters=net.parameters())
    return Trainer(net, optimizer, batch_size=64, prepare=prepare, seed=run.seed, **arguments)


# %% tags=["nbval-ignore-output"]
paddle.seed(run.seed)
net, epochs = LeNet5(), run.pick(full=5, quick=2)
folder = Path(tempfile.mkdtemp())
trainer = make_trainer(net, epochs, lr=4e-3, folder=folder, callbacks=[plotting.LiveCurves()])
history = trainer.fit(train, valid, epochs)

# %%
trainer.load(folder / "best.npz")  # the weights of the best epoch
assert trainer.evaluate(valid).accuracy == max(history.column("valid_accuracy"))
assert history.column("loss")[-1] < history.column("loss")[0]
print("the best epoch's weights are back, and the loss fell from the first epoch to the last")

# %% [markdown]
# Read the two losses against each other. Where the training loss goes on falling and the validation loss does not, the
# net learns what helps with these images and not with new ones: that is overfitting (过拟合), and chapter 04 fights it.
#
# And the form of 1998? One epoch for each, the same images in the same order:

# %% tags=["nbval-ignore-output"]
one_epoch = {}
for name, make_net, lr in (("modern", LeNet5, 4e-3), ("1998", LeNet1998, 2e-3)):
    paddle.seed(run.seed)
    rival = make_trainer(make_net(), 1, lr)
    rival.fit(train, epochs=1)
    one_epoch[name] = rival.evaluate(valid)
    print(f"{name}: {one_epoch[name].correct:,} of {one_epoch[name].total:,} validation images")

# %%
bar = run.pick(full=0.97, quick=0.80) if data.real else 0.5
assert all(result.accuracy > bar for result in one_epoch.values())
print("both forms learn to read in one epoch")

# %% [markdown]
# ## 6 How good is it, and how sure are we?
#
# Now, once, the test images.

# %% tags=["nbval-ignore-output"]
result = trainer.evaluate(test)
low, high = metrics.wilson_interval(result.correct, result.total)
print(f"{result.correct:,} of {result.total:,} right: {100 * result.accuracy:.2f} %")
print(f"95 % interval: {100 * low:.2f} to {100 * high:.2f} %")

# %%
bar = run.pick(full=0.988, quick=0.93) if data.real else 0.85
assert result.accuracy > bar
assert low < result.accuracy < high
print("the test accuracy is above the bar for this profile and data")

# %% [markdown]
# The test images are a sample of all digits that people write. Another sample would give another number, and the Wilson
# interval (Wilson 1927) says how far: true accuracies outside it would make our count a rare accident, one in twenty.
#
# $$\frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} + \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}$$
#
# Here $\hat p$ is the share that was right, $n$ the number of test images, and $z = 1.96$ for 95 %. The width shrinks with
# $\sqrt n$ only: a hundred times as many images for a tenth of the width.

# %%
print("     n   90 % right   99 % right     (intervals in %)")
for n in (200, 1_000, 10_000):
    cells = [metrics.wilson_interval(round(p * n), n) for p in (0.90, 0.99)]
    print(f"{n:6,}   " + "   ".join(f"{100 * a:.1f}-{100 * b:.1f}" for a, b in cells))

# %% [markdown]
# ### The lesson of the 87 %
#
# The book of the course trains this net on 1,000 digits, stops after five epochs, tests on 200 and reports 87 %. We do
# the same several times and change nothing but the random start. (As in the book: SGD with learning rate 0.1, batch 64,
# max-pooling and then average-pooling.) **Predict first:** how far apart will the runs be?

# %% tags=["nbval-ignore-output"]
little = datasets.Split(*(part[:1_000] for part in train))
tests = {"200": datasets.Split(*(part[:200] for part in test)), "all": test}
book = {}
for seed in range(run.pick(full=8, quick=3)):
    paddle.seed(100 + seed)
    small = LeNet5()
    small.s4 = paddle.nn.AvgPool2D(2)
    optimizer = paddle.optimizer.SGD(0.1, parameters=small.parameters())
    pupil = Trainer(small, optimizer, prepare=lambda x: x.astype("float32") / 127.5 - 1, seed=seed, report=None)
    pupil.fit(little, epochs=5)
    book[f"run {seed + 1}"] = {name: pupil.evaluate(split) for name, split in tests.items()}
    print(f"run {seed + 1}: {book[f'run {seed + 1}']['200'].correct} of 200")


# %%
def interval(correct, total):
    """(low, estimate, high) in percent."""
    low, high = metrics.wilson_interval(correct, total)
    return 100 * low, 100 * correct / total, 100 * high


assert all(by_size["200"].total == 200 for by_size in book.values())
print("174 of 200 is {1:.1f} %, and its interval reaches from {0:.1f} to {2:.1f} %".format(*interval(174, 200)))

# %% tags=["nbval-ignore-output"]
plotting.interval_bars(
    {name: interval(by_size["200"].correct, 200) for name, by_size in book.items()},
    "One recipe, several seeds, 200 test images: 87 % is one of many answers",
    xlabel="test accuracy in %, with 95 % interval (dashed: the book's 87 %)",
    marks=[87],
)
plt.show()

# %%
widths = [
    {name: np.ptp(metrics.wilson_interval(e.correct, e.total)) for name, e in by_size.items()}
    for by_size in book.values()
]
assert all(w["200"] >= w["all"] for w in widths)
print("more test images never widened the interval")

# %% [markdown]
# With 200 images an accuracy near 87 % is uncertain by almost five points to each side, and the random start moves it
# besides: no interval of a single run knows of the other runs. Two nets whose results differ by less cannot be told
# apart by such a test.
#
# ## 7 Where does it err?

# %% tags=["nbval-ignore-output"]
logits = trainer.predict(test.images)
predictions = logits.argmax(axis=1)
confusion = metrics.confusion_matrix(predictions, test.labels, classes=10)
wrong = np.flatnonzero(predictions != test.labels)
plotting.confusion_grid(confusion, data.classes, f"{len(wrong)} mistakes among {len(test.labels):,} digits")
plt.show()

# %%
assert confusion.sum() == len(test.labels) and np.trace(confusion) == result.correct
print("rows are what was meant, columns what was said; the diagonal is all that was right")

# %% tags=["nbval-ignore-output", "cover"]
probabilities = softmax(logits.astype("float64"))
surest = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:12]
titles = [f"{test.labels[k]}, read as {predictions[k]}\np = {probabilities[k].max():.2f}" for k in surest]
plotting.image_grid(test.images[surest, 0], titles, columns=6, size=1.45, message="The mistakes that it was surest of")
plt.show()

# %%
assert all(predictions[k] != test.labels[k] for k in surest)
assert len(wrong) == len(test.labels) - result.correct

# %% [markdown]
# Look at each $p$: how sure the net was of a wrong answer. A softmax gives scores that add up to one; whether 0.99 means
# "right 99 times in 100" is a question of its own (calibration, 校准).
#
# What does it compute on its way? The maps of one digit after each convolution, behind ReLU:

# %% tags=["nbval-ignore-output"]
digit = prepare(paddle.to_tensor(test.images[:1]))
maps = explain.feature_maps(net, digit, ["c1", "c3"])
pictures = [test.images[0, 0] / 255, *np.maximum(maps["c1"][0], 0), *np.maximum(maps["c3"][0], 0)[:7]]
titles = ["input", *[f"C1 map {k}" for k in range(6)], *[f"C3 map {k}" for k in range(7)]]
plotting.image_grid(
    pictures, titles, columns=7, size=1.25, message="Six views of one digit after C1, coarser ones after C3"
)
plt.show()

# %%
assert {name: list(values.shape) for name, values in maps.items()} == {"c1": [1, 6, 28, 28], "c3": [1, 16, 10, 10]}
print("C1: six maps of 28x28, C3: sixteen maps of 10x10")

# %% [markdown]
# ## 8 And your own digit?
#
# Draw into the square with mouse, pen or finger. Your strokes are treated as the people who made MNIST treated theirs:
# scaled to 20 pixels, centred by their centre of mass, and then judged. Until you draw, a stored example stands there:

# %%
example = as_mnist(EXAMPLE)
plotting.image_grid([EXAMPLE, example[0, 0]], ["as drawn", "as the net sees it"], size=1.6)
plt.show()
assert example.shape == (1, 1, 28, 28)
print("one image", list(example.shape), example.dtype)


# %% tags=["nbval-ignore-output"]
def judge(image):
    """Probabilities [10] for one uint8 image [1, 1, 28, 28]."""
    framed = np.pad(image, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return softmax(trainer.predict(framed).astype("float64"))[0]


draw_digit(judge)

# %%
chances = judge(example)
assert len(chances) == 10 and abs(chances.sum() - 1) < 1e-9
print("ten probabilities that add up to 1")

# %% [markdown]
# Try a digit in a corner, a tiny one, one that is turned on its side. The first two are repaired before the net sees
# them; the third is not, and chapter 01 said why: nothing in a convolution knows about turning.
#
# ## Recap

# %% tags=["nbval-ignore-output"]
low, high = metrics.wilson_interval(result.correct, result.total)
print(f"parameters: {table.trainable:,} (1998: {parameters:,}), {100 * 48_120 / table.trainable:.0f} % of them in C5")
print(f"work: {table.macs:,} multiply-accumulates for one digit")
print(f"test accuracy: {100 * result.accuracy:.2f} %, 95 % interval {100 * low:.2f} to {100 * high:.2f} %")
print("on 200 images, 87 % could be anything from {0:.0f} to {2:.0f} %".format(*interval(174, 200)))

# %%
assert high - low < 0.08

# %% [markdown]
# ## Where the course notes differ

# %%
errata.table("06_lenet_digits")

# %% [markdown]
# For readers of the book: its `RunnerV3` is our `Trainer` (`train` is `fit`, `dev_scores` is
# `history.column("valid_accuracy")`, `save_model` is `save`), its `Accuracy` is `metrics.accuracy`, and its
# `plot_training_loss_acc` is `plotting.learning_curves`.
#
# ## Try it
#
# 1. Leave ReLU out of `lenet_by_hand` and compare the logits. Then train without it: how far does a net of sums get?
# 2. Train with a tenth of the images. By how much does the interval of the accuracy move?
# 3. Shift all test images by four pixels. What happens, and which layer could have prevented it?
# 4. Write the largest Wilson interval that you would accept before you call one net better than another.
#
# <details><summary>Questions to check yourself (open for the answers)</summary>
# <p>Where do LeNet's parameters sit? <em>In C5: its kernels cover the whole map, so nothing is shared.</em></p>
# <p>Why is the loss of an ignorant net about 2.3? <em>It gives each of ten digits one tenth, and the cross entropy is
# the logarithm of ten.</em></p>
# <p>Why not choose the best epoch by the test images? <em>Then they would have been part of the training, and the number
# would flatter.</em></p>
# </details>
#
# **Next:** chapter 08 makes nets deeper.
#
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, Proc. IEEE 86,
#   1998.
# - E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, JASA 22, 1927.
# - L. N. Smith, N. Topin, *Super-convergence*, 2018.
