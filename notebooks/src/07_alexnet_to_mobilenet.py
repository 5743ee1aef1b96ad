# %% [markdown]
# # From AlexNet to Inception and small nets (模型的进化)
#
# Twenty years of networks, block by block: what each one changed, what that costs, and what it buys on equal terms.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("07_alexnet_to_mobilenet", seed=7)

# %%
import contextlib
import itertools
from math import prod

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from course_utils import augment, comparisons, datasets, errata, metrics, models, plotting, recipes, results, timing
from course_utils.arithmetic import conv2d_cost, conv_output_size, pad_amounts
from course_utils.models.googlenet import PLAN, InceptionWidths
from course_utils.onednn import fast_convolutions
from course_utils.plotting import Block, block_diagrams
from course_utils.summary import blueprint, summarize
from course_utils.training import Trainer

# %% [markdown]
# Networks differ because their tasks differ, because tricks were found one after the other and later nets kept those that
# helped, and because they must run somewhere: on a server, or on a telephone. One can read their history as five steps:
#
# - deeper and wider: LeNet-5 (1998); **AlexNet** (2012), in two halves for two graphics cards; **VGG** (2014), where two 3×3
#   convolutions see what one of 5×5 sees, with fewer weights (chapter 01);
# - another structure: **GoogLeNet** (2014), whose Inception block has kernels of several sizes side by side; **ResNet** (2015)
#   with its shortcuts (chapter 08);
# - both together: **Inception-ResNet** (2016);
# - small on purpose: **MobileNet** (2017), by depthwise separable convolution (深度可分离卷积);
# - found by search instead of by hand: **NASNet** (2017), the best of many cells that a program tried.
#
# ## 1 What does each network repeat?
#
# A network is mostly one block, again and again. Read each picture from top to bottom. "concat" lays maps one behind the
# other, "+" adds them, "sep" is a depthwise separable convolution (section 5), "mean" an average pool. NASNet's cell has two
# inputs, and each box names what it reads: h, the output of the last cell, or p, that of the one before.

# %% tags=["cover"]
one, three, five = "conv 1×1", "conv 3×3", "conv 5×5"
rows = [
    {
        "LeNet 1998": Block([[five, "pool /2"]]),
        "AlexNet 2012": Block([[five], [five]], "conv 3×3 over both"),
        "VGG 2014": Block([[three, three, "pool /2"]]),
        "GoogLeNet 2014": Block([[one], [one, three], [one, five], ["pool 3×3", one]], "concat"),
    },
    {
        "ResNet 2015": Block([[three, three]], after=["+"], shortcut="x"),
        "Inception-ResNet 2016": Block([[one], [one, three], [one, three, three]], "concat", [one, "+"], "x"),
        "MobileNet 2017": Block([["3×3 on\neach map", "1×1 over\nall maps"]]),
    },
]
pairs = ["p", "sep 5×5 h\n+ sep 3×3 p", "sep 5×5 p\n+ sep 3×3 p", "mean 3×3 h\n+ p", "mean 3×3 p\n+ the same"]
rows.append({"NASNet-A 2017": Block([[pair] for pair in [*pairs, "sep 3×3 h\n+ h"]], "concat")})
block_diagrams(rows, "From one path to many: the block that each network repeats")
plt.show()

# %% [markdown]
# All of them stand in `course_utils.models`. How large are they, and how much work is one image? A multiply-accumulate (MAC,
# chapter 01) is one product and its addition; biases, pooling and normalization are not counted. `blueprint` follows the
# shapes through a net without allocating a single weight. The last column will be the share of the parameters that sits in
# linear layers (全连接层).
#
# **Predict first:** which net has most parameters, and which does most work? Do the same layers hold the ones and do the other?


# %%
def two_layers():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10))


nets = {
    "784-500-10": ("", two_layers, (1, 1, 28, 28)),
    "LeNet-5": (1998, models.LeNet5, (1, 1, 32, 32)),
    "AlexNet": (2012, models.alexnet, (1, 3, 224, 224)),
    "VGG-16": (2014, models.vgg16, (1, 3, 224, 224)),
    "GoogLeNet": (2014, models.googlenet, (1, 3, 224, 224)),
    "ResNet-18": (2015, models.resnet18, (1, 3, 224, 224)),
    "MobileNet": (2017, models.mobilenet, (1, 3, 224, 224)),
    "IncResNet": (2016, models.InceptionResNetA, (1, 256, 35, 35)),
    "NASNet-A": (2017, lambda: models.NasNetCell(1008, 1008, 168), (1, 1008, 42, 42)),
}
tables = {name: blueprint(make, shape) for name, (_, make, shape) in nets.items()}
linear = {name: [row for row in table.rows if row.kind == "Linear"] for name, table in tables.items()}
print(f"{'':14} {'parameters':>11} {'MACs / 1e6':>10} linear")
for name, table in tables.items():
    share = 100 * sum(row.trainable for row in linear[name]) / table.trainable
    label = f"{name} {nets[name][0]}"
    print(f"{label:14} {table.trainable:11,} {table.macs / 1e6:10,.1f} {share:4.0f} %")

# %% [markdown]
# The first row is what convolution came to replace: a fully connected net on one small grey picture already has more
# parameters than LeNet-5 six times over. The last two rows are one block A of Inception-ResNet and one cell of NASNet-A, at the widths and map sizes of their papers'
# large nets, which repeat them many times.

# %%
shown = ["AlexNet", "VGG-16", "GoogLeNet", "ResNet-18", "MobileNet"]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for axis, what, unit in ((axes[0], "trainable", 1e6), (axes[1], "macs", 1e9)):
    total = np.array([getattr(tables[name], what) for name in shown]) / unit
    in_linear = np.array([sum(getattr(row, what) for row in linear[name]) for name in shown]) / unit
    axis.barh(shown, total - in_linear, label="convolutions", color="C0")
    axis.barh(shown, in_linear, left=total - in_linear, label="linear layers", color="C1", hatch="//")
axes[0].set(xlabel="parameters, in millions")
axes[1].set(xlabel="MACs for one image of 224×224, in billions")
axes[0].invert_yaxis()
axes[0].legend(loc="lower right")
figure.suptitle(
    "In AlexNet and VGG linear layers hold the parameters, and do little of the work", x=0.01, ha="left", fontsize=14
)
plt.show()
for name in ("AlexNet", "VGG-16"):
    parameters, work = (sum(getattr(row, what) for row in linear[name]) for what in ("trainable", "macs"))
    print(
        f"{name}: the linear layers hold {100 * parameters / tables[name].trainable:.1f} % of the parameters,", end=" "
    )
    print(f"and do {100 * work / tables[name].macs:.1f} % of the work")

# %% [markdown]
# A weight of a linear layer is used once for an image, a weight of a convolution at every place of the map. The nets after
# VGG take the mean over the last map in place of two wide linear layers, and are left with a single small one.
#
# What the papers report, on ImageNet's 1,000 classes (ILSVRC is its yearly challenge). "Top-5 error" is the share of images whose class is not among the
# net's five best guesses. Mind the last two columns: a validation set that was used to choose the net flatters it, and seven
# nets are not one.
#
# | network | year | top-5 error | measured on | nets |
# | --- | --- | --- | --- | --- |
# | second-best entry of 2012, no CNN | 2012 | 26.2 % | ILSVRC-2012 test | – |
# | AlexNet | 2012 | 18.2 % | ILSVRC-2012 validation | 1 |
# | AlexNet, two of them trained on more images | 2012 | 15.3 % | ILSVRC-2012 test | 7 |
# | VGG | 2014 | 6.8 % | ILSVRC-2014 test | 2 |
# | GoogLeNet | 2014 | 6.67 % | ILSVRC-2014 test | 7 |
# | ResNet | 2015 | 3.57 % | ILSVRC-2015 test | 6 |
# | Inception-ResNet-v2 (3) and Inception-v4 | 2016 | 3.08 % | ImageNet test | 4 |
# | NASNet-A, large | 2017 | 3.8 % | ILSVRC-2012 validation | 1 |
#
# MobileNet reports only top-1 accuracy, 70.6 %. It did not want to win: it wanted to be small.
#
# ## 2 AlexNet, all of it
#
# AlexNet has five convolutions, conv1 to conv5, with pools behind the first, second and fifth, and three linear layers, fc6
# to fc8.
#
# ### How does 224 become 55?
#
# The first convolution has kernels of 11×11 and stride 4. With $W$ the width, $K$ the kernel, $S$ the stride and $P$ the
# padding in all, the map has the width $\lfloor (W - K + P) / S \rfloor + 1$. The paper draws 55 and names no padding.
# **Predict first:** which paddings give 55?

# %%
cases = {
    "none": (224, 0),
    "1 on each side": (224, 1),
    "2 on each side": (224, 2),
    "3 on each side": (224, 3),
    "1 before, 2 after": (224, ((1, 2), (1, 2))),
    "'same'": (224, "same"),
    "none, image 227": (227, 0),
}
print(f"{'padding':18} {'P':>5}     size")
for name, (size, padding) in cases.items():
    out, _ = conv_output_size((size, size), 11, stride=4, padding=padding)
    both = sum(pad_amounts((size, size), 11, stride=4, padding=padding)[0])
    print(f"{name:18} {both:5} {(size - 11 + both) / 4 + 1:9.2f} -> {out}")

# %% [markdown]
# Four rows give 55, two of them because the size is rounded down. It comes out even with a total of 3, which is 1 before and 2
# after, or with an image of 227, as other descriptions of the net have it. The notes' "padding 3" is a total; Paddle's
# `padding=3` means each side. Ours takes `padding=2`, as most libraries do.
#
# ### Why two towers?
#
# Two graphics cards of 3 GB each: half of the kernels lived on each. In some layers a kernel sees only the maps on its own
# card, in others those on both. Today the former is one argument, a **grouped convolution** (分组卷积):

# %%
paddle.seed(run.seed)
conv2 = nn.Conv2D(96, 256, 5, padding=2, groups=2)
x = paddle.randn([2, 96, 27, 27])
halves = [
    F.conv2d(x[:, :48], conv2.weight[:128], conv2.bias[:128], padding=2),  # the first card
    F.conv2d(x[:, 48:], conv2.weight[128:], conv2.bias[128:], padding=2),  # the second
]
by_hand = paddle.concat(halves, axis=1)  # [2, 256, 27, 27]
print("weight of conv2:", list(conv2.weight.shape), "- the kernels are 48 deep, not 96")
print("equal within 1e-5:", bool((by_hand - conv2(x)).abs().max() <= 1e-5 * by_hand.abs().max()))

# %%
two, single = (blueprint(lambda t=t: models.alexnet(towers=t), (1, 3, 224, 224)) for t in (2, 1))
print(f"{'':6} {'output':9} {'two towers':>11} {'one tower':>11}")
for row, other in zip(two.rows, single.rows, strict=True):
    if row.trainable:
        output = "x".join(map(str, row.output_shape[1:]))
        print(f"{row.name:6} {output:9} {row.trainable:11,} {other.trainable:11,}")
print(f"{'total':16} {two.trainable:11,} {single.trainable:11,}")
print(f"conv1: 3 * 11 * 11 * 96 = {3 * 11 * 11 * 96:,} and 96 biases")
assert (two.trainable, single.trainable) == (60_965_224, 62_378_344)
saved = sum(p * (d // 2) * k * k for d, p, k in ((96, 256, 5), (384, 384, 3), (384, 256, 3)))
print(f"half of the depth of three kernels: {single.trainable - two.trainable:,} = {saved:,}")

# %% [markdown]
# Three layers lost half of their weights. So where do the towers meet? Ask the gradient: which half of a layer's output
# depends on the first half of its input?

# %%
net = models.alexnet(10, width=1 / 8, stem="cifar", image_size=32, lrn=False)
for name in ("conv2", "conv3", "conv4", "conv5"):
    layer = getattr(net, name)
    x = paddle.randn([1, layer.weight.shape[1] * (2 if name != "conv3" else 1), 8, 8])
    x.stop_gradient = False
    hears = []
    for half in layer(x).chunk(2, axis=1):
        (gradient,) = paddle.grad(half.sum(), x, retain_graph=True)
        hears.append(bool(gradient[:, : x.shape[1] // 2].abs().max() > 0))
    print(f"{name}: the first half of the input reaches the first half {hears[0]}, the second half {hears[1]}")

# %% [markdown]
# The towers meet in conv3, and again in the linear layers.
#
# ### What did local response normalization do?
#
# A strong value should quiet its neighbours: after conv1 and conv2 each value is divided by a number that grows with the
# values at the same place in the maps next to its own (局部响应归一化, LRN). With $a_i$ the value of map $i$ and $b_i$ what
# comes of it, over $n = 5$ maps, with the constants $k = 2$, $\alpha = 10^{-4}$, $\beta = 0.75$:
#
# $$b_i = a_i \Big/ \Big(k + \alpha \sum_{j=i-\lfloor n/2 \rfloor}^{i+\lfloor n/2 \rfloor} a_j^2\Big)^{\beta}$$


# %% tags=["library"]
def local_response_norm(x, size=5, alpha=1e-4, beta=0.75, k=2.0):
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size {size} has no middle: use an odd number of maps of at least 1")
    if x.ndim != 4:
        raise ValueError(f"x has the shape {list(x.shape)}: use [N, C, H, W]")
    channels, reach = x.shape[1], size // 2
    squares = F.pad(x * x, [0, 0, reach, reach, 0, 0, 0, 0])  # zeros beyond the first and the last map
    total = sum(squares[:, j : j + channels] for j in range(size))  # [N, C, H, W]
    return x / (k + alpha * total) ** beta


# %%
a = 3 * paddle.randn([2, 16, 5, 5])
ours = local_response_norm(a, alpha=0.1)
for alpha in (0.1, 5 * 0.1):
    theirs = F.local_response_norm(a, size=5, alpha=alpha, beta=0.75, k=2.0)
    same = bool((ours - theirs).abs().max() <= 1e-5 * ours.abs().max())
    print(f"alpha 0.1, in Paddle {alpha}: equal within 1e-5: {same}")
for scale in (1, 100):  # seven maps of one pixel, the middle one ten times as strong
    row = paddle.to_tensor([1.0, 1.0, 1.0, 10.0, 1.0, 1.0, 1.0]).reshape([1, 7, 1, 1]) * scale
    kept = local_response_norm(row) / row
    print(f"middle map {10 * scale:4}, kept in %:" + "".join(f"{100 * v:4.0f}" for v in kept.flatten().tolist()))

# %% [markdown]
# Paddle's function takes the mean over the window where the paper has the sum: give it $n$ times the $\alpha$. The last two
# rows show what share seven maps keep, the middle one ten times as strong as the others. With the paper's constants it quiets
# itself and its neighbours where values are in the hundreds, as they may be when pixels run from 0 to 255. Where they are
# small, LRN divides everything by the same number. VGG's authors found that it did not help, and BatchNorm (chapter 04) took
# its place.
#
# ### What else is in the paper?
#
# **Overlapping pooling.** The pools are 3×3 with stride 2. A map of 55 becomes 27 as it would with 2×2, so it costs nothing
# in size; but most pixels are now in two or four windows. The paper reports 0.4 points less top-1 error for it.
#
# **Crops.** Images of 256×256 are cut to 224×224 at random places and mirrored at random. The paper speaks of a factor of
# 2048. **Predict first:** how many different crops are there?

# %%
print("55 by pools of 3x3 / 2:", conv_output_size(55, 3, 2), "- by 2x2 / 2:", conv_output_size(55, 2, 2))
# a transposed convolution adds 1 to each pixel of each window
windows = F.conv2d_transpose(paddle.ones([1, 1, 27, 27]), paddle.ones([1, 1, 3, 3]), stride=2)[0, 0]
count = {int(k): int((windows == k).sum()) for k in windows.unique()}
print("pixels by the number of windows that they are in:", count)
places = 256 - 224 + 1
print(f"crops: {places} * {places} places, mirrored or not: {places**2 * 2:,}; 32 * 32 * 2 = {32**2 * 2:,}")

# %% [markdown]
# There are 33 places along a side, not 32. The rest of the recipe: SGD with momentum 0.9, batches of 128, weight decay
# 0.0005, about 90 epochs; the learning rate starts at 0.01, and was divided by 10 three times, by hand, when the validation
# error no longer fell (`paddle.optimizer.lr.ReduceOnPlateau` does that by itself).
#
# ### Three readings of dropout
#
# Dropout stands after the first two linear layers, with probability 0.5. The notes give three reasons why it may help.
#
# *An ensemble* (组合): each mask is a net of its own, and evaluation, with every input halved, stands for all of them at once.
# For one linear layer with softmax that is exact, if we take the geometric mean of the predictions and scale it to sum 1: the
# logarithm of a softmax is the logit less a number that all classes share, and the mean of the masked inputs is their half.
#
# *Data* (数据): an output with holes, [1, 0, 3, 4, 0, 6] in place of 1 to 6, is what some other input would have given. *No
# conspiracies* (动机): a unit cannot rely on a certain other one. The first two can be computed:

# %%
generator = np.random.default_rng(run.seed)
h, weight = np.array([1.0, 2, 3, 4, 5, 6]), generator.normal(0, 0.3, (6, 3))  # the notes' output of a layer
masks = np.array(list(itertools.product([0, 1], repeat=6)))  # all 64
logits = (masks * h) @ weight  # [64, 3]
p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
halved = np.exp(0.5 * h @ weight)
halved /= halved.sum()
geometric = np.exp(np.log(p).mean(0))
for name, mean in (("geometric mean", geometric / geometric.sum()), ("plain mean", p.mean(0))):
    print(f"64 nets, {name}, equal to halved inputs within 1e-9:", np.allclose(mean, halved, rtol=1e-9))
mask = np.array([1, 0, 1, 1, 0, 1])
for inputs in (8, 3):
    first = generator.normal(0, 1, (inputs, 6))
    wanted = np.where(mask, h, -1.0)  # before ReLU: negative where a unit is off
    other, *_ = np.linalg.lstsq(first.T, wanted, rcond=None)
    print(f"{inputs} inputs, 6 units: another input gives just this: {np.allclose(first.T @ other, wanted)}")

# %% [markdown]
# So the ensemble is exact only in this mean and for one layer; through more layers it is an approximation. And "some other
# input" exists where a layer has at least as many inputs as units, and is allowed any numbers as inputs. AlexNet's first
# linear layer has 9,216 inputs for 4,096 units, but they come out of a ReLU and cannot be negative.
#
# ### ReLU against tanh and sigmoid
#
# The paper's figure 1: a net of four convolutional layers on CIFAR-10 reaches 25 % training error six times as fast with ReLU
# as with tanh, each at its own best learning rate. (The notes say six times against sigmoid.) The net of the figure is not
# described further, so we take a small one: three convolutions with stride 2 and a linear layer, with nothing but the activation
# between them. One seed gives all three activations the same initial weights and the same order of pictures.
#
# These runs take longer than a chapter may, so `benchmarks/activation_race.py` has made them, on the first 5,000 pictures of
# CIFAR-10. **Predict first:** whose learning rate must be chosen most carefully?

# %%
stored = results.stored("activation_race")
goal, races = stored["goal"], [race for race in stored["runs"] if race["images"] == 5_000]
swept, raced = {}, {}
for race in races:
    steps = comparisons.steps_to(goal, race["errors"], race["images"])
    if race["seed"] == comparisons.SWEEP_SEED:
        swept.setdefault(race["activation"], {})[race["lr"]] = steps
    else:
        raced.setdefault(race["activation"], {})[race["seed"]] = steps
best = {race["activation"]: race["lr"] for race in races if race["seed"] != comparisons.SWEEP_SEED}
epochs = max(len(race["errors"]) - 1 for race in races if race["seed"] == comparisons.SWEEP_SEED)
limit = 79 * epochs  # 79 steps an epoch
figure, axis = plt.subplots(figsize=(8, 3.8))
plotting.goal_curves(axis, swept, limit)
axis.set_ylabel(f"steps to {100 * goal:.0f} % training error")
axis.set_title("ReLU and tanh arrive in time, the sigmoid at no rate (hollow)")
assert not np.isfinite(list(swept["sigmoid"].values())).any()
axis.legend(loc="lower left")
plt.show()
print("         rate  steps, one number a seed")
for name, steps in raced.items():
    shown = " ".join(f"{value:5.0f}" if np.isfinite(value) else " none" for value in steps.values())
    print(f"{name:8} {best[name]:<5} {shown}")

# %% [markdown]
# The figure is a sweep of one seed, up to thirty epochs (the dotted line); a large marker is the best rate. ReLU and tanh arrive
# from a range of rates, so the sigmoid's must be chosen most carefully: its best is that with the lowest error in the end. A row
# of the table is one activation at its best rate: its steps with each new seed, of sixty epochs at most. Sigmoid runs so long
# that it has fewer seeds.
#
# To watch it happen, the same race once more, on fewer pictures and with one seed; a curve ends where its net arrives.
# **Predict first:** what does the sigmoid do in the first epochs?

# %%
pictures = datasets.cifar10()
few = pictures.train.take(run.pick(full=2_000, quick=600))
live = {
    name: comparisons.race(name, best[name], few, seed=run.seed, goal=goal, epochs=run.pick(full=15, quick=8))
    for name in best
}
figure, axis = plt.subplots(figsize=(8, 3.6))
for number, (name, errors) in enumerate(live.items()):
    axis.plot(100 * np.array(errors), color=f"C{number}", marker="o", markersize=4, label=f"{name}, rate {best[name]}")
axis.axhline(100 * goal, color="0.5", linewidth=1, linestyle=":")
axis.set(xlabel="epoch", ylabel="training error in %", ylim=(0, 100))
axis.set_title(f"Sigmoid is left behind ({pictures.name}, {few.size:,} pictures)")
axis.legend(loc="center right", bbox_to_anchor=(1, 0.4))
plt.show()
ratios = [np.log(raced["tanh"][seed] / raced["ReLU"][seed]) for seed in raced["ReLU"]]
low, factor, high = np.exp(metrics.mean_interval(ratios))
print(f"stored runs, steps of tanh / ReLU: {factor:.2f}")
print(f"95 % interval over {len(ratios)} seeds: {low:.2f} to {high:.2f}")
last = len(live["ReLU"]) - 1
assert len(live["sigmoid"]) > last and live["sigmoid"][last] > live["ReLU"][last]
assert high < 6 and min(raced["sigmoid"].values()) > 3 * max(raced["ReLU"].values())

# %% [markdown]
# ReLU is not six times as fast as tanh here. The factor six is the paper's, for its net on all of CIFAR-10; ours belongs to
# our net and 5,000 pictures. The sigmoid lags from the first epochs on and needs several times the steps: its values are never
# negative, its slope is at most 1/4, and so the first layers hardly learn (chapter 03 measures that layer by layer). Initial
# weights made for it, or BatchNorm, may help it; we did not try. And rates a factor of three apart are a coarse sieve.
#
# ### Ten crops and an ensemble
#
# In evaluation AlexNet looks at ten crops of each image, the four corners, the middle and their mirror images, and takes the
# mean of the ten softmax outputs. The paper reports 17.0 % top-5 error for it against 18.3 % without (ILSVRC-2010). And it
# takes the mean over several nets: 18.2 % with one, 16.4 % with five, 15.4 % with seven (ILSVRC-2012, validation; two of the
# seven were trained on more images).
#
# We do both at our size, with several small residual nets (chapter 08) and windows of 28×28 out of 32×32. In training each
# picture is moved by up to 2 pixels, perhaps mirrored, and its inner 28 kept: that is the paper's random crop.
# **Predict first:** how many different pictures does one picture give in training?


# %%
def random_window(images, generator):
    """[N, C, 32, 32] -> [N, C, 28, 28], at any place, mirrored or not."""
    moved = augment.in_turn(augment.crop(2), augment.flip())(images, generator)
    return moved[:, :, 2:-2, 2:-2]


def ten_crops(images, size):
    """Corners and middle, then their mirror images: ten times [N, C, size, size]."""
    far = images.shape[-1] - size
    places = [(0, 0), (0, far), (far, 0), (far, far), (far // 2, far // 2)]
    five = [images[:, :, top : top + size, left : left + size] for top, left in places]
    return five + [crop[:, :, :, ::-1] for crop in five]


numbered = paddle.arange(32 * 32, dtype="float32").reshape([1, 1, 32, 32]).tile([2_000, 1, 1, 1])
windows = random_window(numbered, np.random.default_rng(run.seed)).numpy()
crops = np.concatenate(ten_crops(numbered[:1].numpy(), 28))
seen, ten = ({tuple(crop.ravel()) for crop in some} for some in (windows, crops))
print(f"2,000 random windows of one picture: {len(seen)} are different, 5 * 5 * 2 = {5 * 5 * 2}")
print(f"the ten crops: {len(ten)} different, all among them: {ten <= seen}")


# %%
learn, asked = pictures.train.take(run.pick(full=3_000, quick=600)), pictures.test.take(run.pick(full=2_000, quick=500))
epochs, members = run.pick(full=5, quick=3), run.pick(full=5, quick=3)


def trained(seed):
    """A small residual net, trained on random windows by the recipe of chapter 09."""
    paddle.seed(seed)
    net = models.cifar_resnet(8, stem_stride=2)
    rate = recipes.one_cycle(0.1, recipes.steps_in(epochs, learn.size, batch_size=32))
    prepare = augment.standardize(*datasets.channel_statistics(learn.images))
    options = {"prepare": prepare, "augment": random_window, "seed": seed, "report": None}
    trainer = Trainer(net, recipes.nesterov(net, rate), batch_size=32, **options)
    trainer.fit(learn, epochs=epochs)
    return trainer


views = [np.ascontiguousarray(crop) for crop in ten_crops(asked.images, 28)]
answers = []
for seed in range(members):
    trainer = trained(seed)
    logits = np.stack([trainer.predict(view) for view in views])
    answers.append(F.softmax(paddle.to_tensor(logits)).numpy())
answers = np.stack(answers)  # [nets, views, N, 10]
print("softmax outputs: [nets, 10 views,", f"pictures, {answers.shape[-1]} classes], each sums to 1:", end=" ")
print(bool(np.allclose(answers.sum(-1), 1, atol=1e-5)))


# %%
def right(nets, seen):
    """Of each picture: the share of the ensembles of so many nets that are right, over these views."""
    groups = itertools.combinations(range(members), nets)
    means = [answers[list(group)][:, seen].mean(axis=(0, 1)) for group in groups]
    return 100 * np.mean([mean.argmax(-1) == asked.labels for mean in means], axis=0)


middle, ten_views = [4], list(range(10))
single = right(1, middle)
cases = {"1 net, ten crops": right(1, ten_views), f"{members} nets, middle crop": right(members, middle)}
cases[f"{members} nets, ten crops"] = right(members, ten_views)
gains = {name: metrics.mean_interval(scores - single) for name, scores in cases.items()}
message, above = "Several nets and crops know more than one", "points of accuracy above one net, middle crop"
plotting.interval_bars(gains, message, f"{above} ({pictures.name})", marks=[0])
plt.show()
assert gains[f"{members} nets, ten crops"][0] > 0
print("nets and crops together are better than one net and one crop:", True)

# %% [markdown]
# The intervals are over the test pictures: what one net gets right is subtracted picture by picture, so that only
# pictures count on which the answers differ. Averaging asks for nothing new in training, only for more work: five nets and
# ten views are fifty forward passes for one answer.

# %% [markdown]
# ## 3 What does an Inception block save?
#
# Which kernel is right, 1×1, 3×3 or 5×5? Take all, and a pool, side by side over the same map, and join what they give: that
# is the naive Inception block. With $D$ input maps and $P_k$ kernels of $k \times k$ it has $\sum_k (D k^2 + 1) P_k$
# parameters. GoogLeNet puts a **1×1 reduction** (降维) to $R_k$ maps before each large kernel. In place of
# $(D k^2 + 1) P_k$ parameters these are $(D + 1) R_k + (R_k k^2 + 1) P_k$.
#
# **Predict first:** by which factor do the reductions shrink block 3a, GoogLeNet's first? (Both forms below have the 1×1
# convolution behind the pool.)

# %%
first = InceptionWidths(one=64, three_reduce=96, three=128, five_reduce=16, five=32, pool_proj=32)  # block 3a
forms = {"unreduced": first._replace(three_reduce=0, five_reduce=0), "reduced": first}
for name, widths in forms.items():
    table = summarize(models.Inception(192, widths), (1, 192, 28, 28))
    print(f"{name:9} {table.trainable:7,} parameters  {table.macs:11,} MACs")
unreduced = 193 * 64 + (192 * 9 + 1) * 128 + (192 * 25 + 1) * 32 + 193 * 32
reduced = 193 * 64 + 193 * 96 + (96 * 9 + 1) * 128 + 193 * 16 + (16 * 25 + 1) * 32 + 193 * 32
print(f"by hand: {unreduced:,} and {reduced:,}, a factor of {unreduced / reduced:.1f}")

# %% [markdown]
# **Predict first:** the pool has no weights. Why does it need a 1×1 convolution behind it? Nine blocks on top of each other,
# naive and as in GoogLeNet:

# %%
wide, narrow, counts = 192, 192, {"naive": [], "GoogLeNet": []}
for widths in (widths for stage in PLAN for widths in stage):
    plain_widths = widths._replace(three_reduce=0, five_reduce=0, pool_proj=0)
    for name, channels, form in (("naive", wide, plain_widths), ("GoogLeNet", narrow, widths)):
        table = blueprint(lambda c=channels, f=form: models.Inception(c, f), (1, channels, 14, 14))
        counts[name].append((form.out_channels(channels), table.trainable / 1e6))
    wide, narrow = counts["naive"][-1][0], counts["GoogLeNet"][-1][0]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.3))
for axis, k, what in ((axes[0], 0, "maps after the block"), (axes[1], 1, "parameters, in millions")):
    for style, (name, values) in zip(("C1o--", "C0s-"), counts.items(), strict=True):
        axis.plot(range(1, 10), [value[k] for value in values], style, label=name)
    axis.set(xlabel="block", ylabel=what, ylim=(0, None), xticks=range(1, 10))
axes[0].legend()
figure.suptitle("Stacked naive blocks only ever grow", x=0.01, ha="left", fontsize=14)
plt.show()
total = {name: sum(value[1] for value in values) for name, values in counts.items()}
print(f"nine blocks: {total['GoogLeNet']:.1f} million parameters, naive {total['naive']:.1f} million")
print("maps after each:", [value[0] for value in counts["GoogLeNet"]])

# %% [markdown]
# A pool gives as many maps as it gets. In a naive block they are added to what the convolutions give, so each block is wider
# than the last, and all its kernels deeper. The 1×1 convolution behind the pool ends that.
#
# Two nets of one name need not be one net: ours has a ReLU after every convolution, as the paper says. In Paddle's `GoogLeNet`
# no ReLU stands between a reduction and its kernel, and two linear layers in a row are one (chapter 03).
#
# ## 4 Why must the image have a fixed size?
#
# A convolution slides over any map. **Predict first:** which layer of AlexNet cannot take an image of 192×192, and what does
# GoogLeNet do about it?

# %%
small = {
    "AlexNet": models.alexnet(10, width=1 / 16),
    "VGG-16": models.vgg16(10, width=1 / 32),
    "GoogLeNet": models.googlenet(10, width=1 / 16),
    "MobileNet": models.mobilenet(10, width=1 / 16),
}
sizes = (160, 192, 224, 256)
print(f"{'image':9}" + "".join(f"{size:>8}" for size in sizes))
errors = {}
for name, net in small.items():
    fits = []
    for size in sizes:
        try:
            fits.append(str(list(net(paddle.zeros([1, 3, size, size])).shape)))
        except ValueError as error:
            fits.append("error")
            errors[name, size] = str(error).splitlines()[0]
    print(f"{name:9}" + "".join(f"{text:>8}" for text in fits))
print(errors["AlexNet", 192])
maps = small["AlexNet"].features(paddle.zeros([1, 3, 192, 192]))
print("last map of image 192:", list(maps.shape), "=", prod(maps.shape), "numbers")

# %% [markdown]
# The first linear layer fails: its weight matrix has one row for each number of the last map, and another image gives another
# map. The way out is **global average pooling** (全局平均池化): the mean of each map is one number, however large the map. Then
# the classifier's size depends on the number of maps only. That is also why the nets with a mean hold so few parameters in
# linear layers. (A pool to a fixed grid, `nn.AdaptiveAvgPool2D(6)`, mends AlexNet too.)
#
# ## 5 What does a depthwise separable convolution save?
#
# A convolution of $K \times K$ from $D$ to $P$ maps of $H \times W$ does two things at once: it looks around, and it mixes
# maps. MobileNet does one after the other: a kernel for each map (逐通道), and then 1×1 over all maps (逐点):
#
# $$\frac{\text{separable}}{\text{full}} = \frac{H W D K^2 + H W D P}{H W D P K^2} = \frac{1}{P} + \frac{1}{K^2}$$
#
# **Predict first:** with $K = 3$, can it ever save more than a factor of 9?

# %%
print(f"{'D -> P, side':15} {'ratio':>6} = 1/P + 1/9")
for d, p, side in ((32, 64, 112), (128, 128, 56), (512, 512, 14)):
    full = conv2d_cost((1, d, side, side), (p, d, 3, 3), padding=1).macs
    parts = side * side * d * 9, side * side * d * p
    assert summarize(models.DepthwiseSeparable(d, p), (1, d, side, side)).macs == sum(parts)
    print(f"{d:3} -> {p:3}, {side:4} {sum(parts) / full:7.3f} = {1 / p + 1 / 9:.3f}")

convolved, channels = 0, 3  # the MACs of the same net with full 3x3 convolutions
for row in tables["MobileNet"].rows:
    if row.kind == "Conv2D" and "depthwise" not in row.name:
        _, out, height, width = row.output_shape
        convolved += height * width * out * channels * 9
        channels = out
whole = convolved + linear["MobileNet"][0].macs
print(f"MobileNet: {tables['MobileNet'].macs / 1e6:,.0f} million MACs")
print(f"with full convolutions: {whole / 1e6:,.0f} million")

# %% [markdown]
# ### And the time?
#
# Never a factor of 9, as $1/P$ comes on top of $1/9$, but about 8. **Predict first:** is it eight times as fast, too?
#
# A processor must also *fetch* what it multiplies. The arithmetic intensity (算术强度) is the number of operations for each
# byte that is read or written: two for a MAC; four bytes for each number of the input, the output and the weights, as if each
# were moved once. We time Paddle's own kernels and the faster ones of oneDNN with which this course trains on a CPU (a GPU has
# its own for both), forward only and in training, which is forward and backward.

# %%
x = paddle.randn([16, 64, 32, 32])
x.stop_gradient = False
full = nn.Conv2D(64, 64, 3, padding=1, bias_attr=False)
separable = nn.Sequential(
    nn.Conv2D(64, 64, 3, padding=1, groups=64, bias_attr=False), nn.Conv2D(64, 64, 1, bias_attr=False)
)
work = {}
for name, layer in (("full 3x3", full), ("depthwise", separable[0]), ("pointwise", separable[1])):
    work[name] = layer.weight.size * 16 * 32 * 32  # each weight is used at each place of the map
    print(f"{name:10}{work[name] / 1e6:6.1f} million MACs,", end=" ")
    print(f"{2 * work[name] / (4 * (2 * x.size + layer.weight.size)):5.1f} / byte")


def timed(layer, training, ours):
    """A call that runs the layer, forward or forward and backward; ours: convolutions by oneDNN where they can be."""

    def call():
        with fast_convolutions() if ours else contextlib.nullcontext():
            y = layer(x)
            if training:
                y.sum().backward()
        return float(y[0, 0, 0, 0])  # waits for the result

    return call


# %%
calls = {}
for way, ours in (("Paddle's own", False), ("oneDNN", True)):
    for what, training in (("forward", False), ("training", True)):
        for kind, layer in (("full", full), ("separable", separable)):
            calls[kind, f"{way}, {what}"] = timed(layer, training, ours)
matrix, long = paddle.randn([512, 512]), paddle.randn([4_000_000])
calls["multiply"] = lambda: float((matrix @ matrix)[0, 0])  # 2 * 512**3 operations
calls["fetch"] = lambda: float((long + 1)[0])  # 8 bytes a number
times = timing.interleaved_ratios(calls, ("full", "Paddle's own, forward"), repeats=run.pick(full=10, quick=5))
of_full = {"by the count of MACs": (work["depthwise"] + work["pointwise"]) / work["full 3x3"]}
for kind, way in (key for key in times if key[0] == "separable"):
    of_full[way] = times[kind, way] / times["full", way]
balance = (2 * 512**3 / times["multiply"]) / (8 * 4_000_000 / times["fetch"])  # operations in the time of one byte
figure, axis = plt.subplots(figsize=(8, 3.2))
bars = axis.barh(list(of_full), list(of_full.values()), color=["0.6", *["C0"] * (len(of_full) - 1)])
axis.bar_label(bars, fmt="%.2f", padding=4)
axis.axvline(1, color="black", linewidth=1, linestyle=":")
axis.invert_yaxis()
axis.set_xlabel(
    f"share of the full convolution's (dotted)\nhere {balance:.0f} operations take as long as fetching a byte"
)
axis.set_title("Separable: the time falls less than the MACs")
plt.show()
assert np.median(list(of_full.values())[1:]) > of_full["by the count of MACs"]
print("fewer MACs, and less saved than the MACs say: True")

# %% [markdown]
# The depthwise part does few operations for each byte. While a processor fetches one byte from memory it can do many more, so it
# mostly waits: the layer is **memory-bound**, and its time is that of moving the map, which the separable convolution moves
# twice and the full one once. How much is saved also depends on how well each kernel is made. On a telephone the balance may be
# another; so: count, and then measure where it is to run.
#
# ## 6 One budget for all
#
# All eight nets in small versions for 32×32. `benchmarks/small_networks.py` trained them on equal terms, and scored each once
# on the 10,000 test pictures:
#
# - the same 5,000 pictures of CIFAR-10, four epochs, batches of 32, momentum, a learning rate that rises to a peak and falls;
# - the peak is each net's own best of a sweep in factors of three, scored on 2,000 other training pictures (NASNet-A, the
#   slowest, takes one that suits others);
# - about the same number of MACs, but for LeNet-5, which is as small as ever;
# - BatchNorm in all but LeNet-5 and AlexNet; dropout in AlexNet, VGG and GoogLeNet, as in their papers; no LRN.
#
# The time of a training step is measured now, as a ratio to LeNet-5's.
#
# **Predict first:** with equal MACs, how far apart are the slowest and the fastest?

# %%
trials = [trial for trial in results.stored("small_networks")["runs"] if trial["total"] == 10_000]  # not the sweep
tested = {name: [trial for trial in trials if trial["net"] == name] for name in models.small_nets()}
small = {name: make for name, make in models.small_nets().items() if tested[name]}
accuracy = {}
print(f"{'':16}{'parameters':>10} {'MACs / 1e6':>11} {'seeds':>6} {'test %':>7}")
for name in small:
    of_net = tested[name]
    shares = [100 * trial["correct"] / trial["total"] for trial in of_net]
    least, most = metrics.wilson_interval(of_net[0]["correct"], of_net[0]["total"])
    accuracy[name] = (100 * least, shares[0], 100 * most) if len(shares) < 3 else metrics.mean_interval(shares)
    counts = f"{of_net[0]['parameters']:10,} {of_net[0]['macs'] / 1e6:11.1f}"
    print(f"{name:16}{counts} {len(shares):6} {accuracy[name][1]:7.1f}")
assert accuracy["LeNet-5"][1] > max(accuracy["AlexNet"][1], accuracy["VGG"][1])


# %%
def training_step(net):
    def call():
        with fast_convolutions():
            loss = F.cross_entropy(net(batch), labels)
            loss.backward()
        net.clear_gradients()
        return float(loss)  # waits for the result

    return call


batch, labels = paddle.randn([32, 3, 32, 32]), paddle.arange(32) % 10
steps = {name: training_step(make()) for name, make in small.items()}
cost = timing.interleaved_ratios(steps, "LeNet-5", repeats=run.pick(full=9, quick=2))
measures = {"test accuracy in %\n(CIFAR-10, chance 10)": {name: tuple(map(float, accuracy[name])) for name in small}}
measures["parameters / 1,000"] = {name: tested[name][0]["parameters"] / 1e3 for name in small}
measures["MACs / million"] = {name: tested[name][0]["macs"] / 1e6 for name in small}
measures["time of a training step\n(LeNet-5 = 1)"] = cost
plotting.measure_panels(measures, "Equal MACs, unequal accuracy, and very unequal time")
plt.show()
others = [cost[name] for name in small if name != "LeNet-5"]
assert max(others) > 2 * min(others) and min(mean for _, mean, _ in accuracy.values()) > 20
print("of two nets with about equal MACs, one can take more than twice the time of the other: True")

# %% [markdown]
# LeNet-5, with a fraction of the work, stands above AlexNet and VGG. Few pictures, few epochs and dropout are against those
# two; which of these it is, the figure does not say. Nor does it say which net is best: with more pictures, more epochs or a
# recipe of its own for each, the order may be another, and the papers' results are from a million pictures and ninety epochs.
# (An interval over three seeds is Student's. With fewer seeds it is Wilson's, over the test pictures, and does not know how
# much another seed would differ.)
#
# What it does say: MACs tell neither accuracy nor time. Many small layers cost more time than few large ones, pools and
# normalization are not in the count, and a depthwise convolution waits for memory.
#
# ## Recap

# %% tags=["nbval-ignore-output"]
print(f"steps of tanh / ReLU {factor:.2f}, 95 % {low:.2f} to {high:.2f}")
typical = {name: np.median(list(steps.values())) for name, steps in raced.items()}
print(f"steps of sigmoid / ReLU {typical['sigmoid'] / typical['ReLU']:.1f}")
print(f"one net, one crop: {single.mean():.1f} % of {asked.size:,}")
print(f"({pictures.name}, {learn.size:,} to learn from)")
for name, (least, gain, most) in gains.items():
    print(f"  {name}: {gain:+.1f}, {least:+.1f} to {most:+.1f}")
print("time of separable / full convolution:")
for name, share in of_full.items():
    print(f"  {name:27} {share:.2f}")
print(f"operations while a byte is fetched: {balance:.0f}")

# %% [markdown]
# - The linear layers hold 96 of 100 parameters of AlexNet's 60,965,224, and do 8 of 100 of its work (section 1).
# - The 1×1 reductions leave 163,696 of an Inception block's 393,472 parameters, and the 1×1 behind the pool ends the growth.
# - A net takes images of any size once it takes the mean of each map.
# - A factor between activations belongs to a net, its data and its rates. Sigmoid is the slow one, by far; ReLU against
#   tanh is close here.
# - Averaging over nets that started differently helps, and so does averaging over crops. Both multiply the work of an answer.
# - A separable convolution saves nearly a factor of nine in the count, and less in time: it is memory-bound.
# - Equal MACs mean neither equal accuracy nor equal time.

# %% [markdown]
# ## Where the course notes differ

# %%
assert all(least <= gain <= most for least, gain, most in gains.values())
errata.ErrataTable((*errata.items(ids=["E18"]), *errata.items("07_alexnet_to_mobilenet")))

# %% [markdown]
# ## Try it
#
# - Give AlexNet an `nn.AdaptiveAvgPool2D(6)` before its first linear layer. Which image sizes does it take now?
# - Replace the 5×5 kernel of an Inception block by two of 3×3, one after the other. How many parameters does that save, and
#   what do two of them see (chapter 01)?
# - Halve the width of MobileNet, `models.mobilenet(width=0.5)`. Do its MACs fall to a half or to a quarter?
#
# ## What comes next
#
# ResNet stood in the tables without an explanation. Chapter [08 Residual networks on digits](08_resnet_digits.ipynb) builds
# its unit by hand and measures what the shortcut is good for.
#
# **Homework:** [homework 5](homework/hw5_networks.ipynb).
#
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. Proc. IEEE 86, 1998.
# - A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet classification with deep convolutional neural networks. NIPS 2012.
# - K. Simonyan, A. Zisserman: Very deep convolutional networks for large-scale image recognition. arXiv:1409.1556, 2014.
# - C. Szegedy et al.: Going deeper with convolutions. arXiv:1409.4842, 2014.
# - K. He, X. Zhang, S. Ren, J. Sun: Deep residual learning for image recognition. arXiv:1512.03385, 2015.
# - C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi: Inception-v4, Inception-ResNet and the impact of residual connections on
#   learning. arXiv:1602.07261, 2016.
# - A. Howard et al.: MobileNets: efficient convolutional neural networks for mobile vision applications. arXiv:1704.04861, 2017.
# - B. Zoph, V. Vasudevan, J. Shlens, Q. Le: Learning transferable architectures for scalable image recognition.
#   arXiv:1707.07012, 2017.
# - O. Russakovsky et al.: ImageNet large scale visual recognition challenge. IJCV 115, 2015.
