# %% [markdown]
# # Pooling, activation, the layer stack (汇聚, 激活函数, 层的堆叠)
#
# Behind a convolution a network puts two more steps, pooling and an activation, and then it stacks the three. We build both
# steps, and measure what they cost, what they are good for, and where they fail.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("03_pooling_and_activation", seed=3)

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from course_utils import datasets, errata, metrics, ops, plotting
from course_utils.arithmetic import conv2d_cost, conv_output_size
from course_utils.demos.draw_digit import EXAMPLE, as_mnist
from course_utils.models import LeNet5
from course_utils.summary import summarize
from course_utils.training import Trainer

# %% [markdown]
# ## 1 What makes a convolution a layer?
#
# Chapter 01 computed a convolution from an input $x$, kernels $w$ and biases $b$ that we handed over. A layer (层) keeps
# $w$ and $b$ itself, as *parameters* (参数): numbers that training will change. The sum is the one of chapter 01, for $D$
# input channels and $P$ output channels, stride $S$ and padding $p$, with $\tilde x$ for the padded input:
#
# $$y_{n,q,i,j} = b_q + \sum_{u=0}^{K-1} \sum_{v=0}^{K-1} \sum_{d=0}^{D-1} w_{q,d,u,v} \; \tilde x_{n,d,\,iS+u,\,jS+v}$$
#
# where $n$ counts pictures, $q$ output channels, $d$ input channels, $i, j$ places, and $u, v$ the rows and columns of a
# kernel of $K \times K$. Shapes: $x\,[N, D, H, W]$, $w\,[P, D, K, K]$, $b\,[P]$, $y\,[N, P, H', W']$.
#
# In Paddle a layer is a class with `nn.Layer` above it. It makes its parameters in `__init__` and computes in `forward`.
# The loop runs over the kernel's $K^2$ places $(u, v)$. Starting there, every $S$-th pixel is what this place meets as the
# kernel slides; `einsum` mixes the channels of these pixels by a matrix $[P, D]$ (letters missing right of the arrow are
# summed).


# %%
class ConvLayer(nn.Layer):
    """A convolution with its own weights: x [N, D, H, W] -> y [N, P, H', W']."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        super().__init__()
        D, P, K = in_channels, out_channels, kernel_size
        start = nn.initializer.Normal(0, math.sqrt(2 / (D * K * K)))  # small random weights; section 6 says why
        self.weight = self.create_parameter([P, D, K, K], default_initializer=start)
        self.bias = self.create_parameter([P], is_bias=True)  # zeros
        self.K, self.S, self.p = kernel_size, stride, padding

    def forward(self, x):
        rows, columns = conv_output_size(tuple(x.shape[2:]), self.K, self.S, self.p)
        x = F.pad(x, [self.p] * 4)
        y = self.bias.reshape([1, -1, 1, 1])
        for u in range(self.K):
            for v in range(self.K):
                shifted = x[:, :, u :: self.S, v :: self.S][:, :, :rows, :columns]  # [N, D, H', W']
                y = y + paddle.einsum("ndij,qd->nqij", shifted, self.weight[:, :, u, v])
        return y


layer = ConvLayer(in_channels=3, out_channels=4, kernel_size=5, stride=2, padding=1)
print({name: list(parameter.shape) for name, parameter in layer.named_parameters()})
print("parameters:", sum(parameter.size for parameter in layer.parameters()), "= 4 * (3 * 5 * 5 + 1)")

# %% [markdown]
# `create_parameter` has told Paddle which numbers belong to the layer: `parameters()` finds them. Training needs one thing
# more, the gradient (梯度): for every parameter, how fast a result grows with it. Paddle derives it from what `forward` did.
# With the sum of the squared outputs as such a result, ours against `nn.Conv2D` with the same weights:


# %%
def close(ours, theirs):
    """Equal within 1e-9 (float64) or 1e-5 (float32), measured by the largest value."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    tolerance = 1e-9 if theirs.dtype == np.float64 else 1e-5
    return ours.shape == theirs.shape and bool(np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max())


for dtype in ("float32", "float64"):
    own, native = ConvLayer(3, 4, 5, stride=2, padding=1), nn.Conv2D(3, 4, 5, stride=2, padding=1)
    for net in (own, native):
        net.to(dtype=dtype)
    native.set_state_dict(own.state_dict())  # the same weights, by their names
    x = paddle.randn([2, 3, 9, 12], dtype=dtype)
    results = {}
    for name, net in (("own", own), ("native", native)):
        y = net(x)
        y.square().sum().backward()  # fills .grad of every parameter
        results[name] = {"output": y.numpy(), "weight": net.weight.grad.numpy(), "bias": net.bias.grad.numpy()}
    same = {key: close(results["own"][key], results["native"][key]) for key in results["own"]}
    assert all(same.values())
    print(f"{dtype}: y {list(y.shape)}; equal to nn.Conv2D, output and gradients:", same)

# %% [markdown]
# ## 2 What does pooling keep?
#
# A feature map (特征图), the output of one kernel, says at every place how well the kernel fits there. Often a rougher answer
# is enough: does it fit *somewhere around here*? Pooling (汇聚) replaces each window of a map by a single number, each
# channel for itself. For max-pooling (最大汇聚) and average pooling (平均汇聚), with windows of $K \times K$ at stride $S$:
#
# $$\begin{aligned} y_{c,i,j} &= \max_{0 \le u, v < K} x_{c,\,iS+u,\,jS+v} \\
# y_{c,i,j} &= \frac{1}{K^2} \sum_{u=0}^{K-1} \sum_{v=0}^{K-1} x_{c,\,iS+u,\,jS+v} \end{aligned}$$
#
# where $c$ is the channel; $C$ channels go in and $C$ come out. Usually $S = K$, so that windows touch and do not overlap.
# There is nothing to learn in it: the rule is chosen, and any rule that makes one number of a window will do.
#
# **Predict first:** the numbers 1 to 16 stand in four rows. What do windows of $2 \times 2$ give, by the largest, the
# mean, and by a rule of our own, the smallest?


# %%
def pool(x, K, S, rule, padding=0, fill=np.nan, ceil_mode=False):
    """`rule` of every window: x [H, W] -> y [H', W']. Padding is NaN ("no pixel here") unless fill says otherwise."""
    rounded = math.ceil if ceil_mode else math.floor
    rows, columns = (rounded((size + 2 * padding - K) / S) + 1 for size in x.shape)
    x = np.pad(x.astype(float), padding, constant_values=fill)
    y = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            y[i, j] = rule(x[i * S : i * S + K, j * S : j * S + K])  # a slice ends where the array ends
    return y


x = np.arange(1, 17).reshape(4, 4)
for name, rule in {"largest": np.nanmax, "mean": np.nanmean, "smallest": np.nanmin}.items():
    print(f"{name:9}", pool(x, K=2, S=2, rule=rule).tolist())

# %% [markdown]
# `nanmax` and its sisters skip what is NaN; that will matter at the edge. First a map that is not in order, with an odd
# size:

# %% tags=["cover"]
x = np.array([[1, 0, 2, 3, 1], [4, 6, 6, 8, 0], [3, 1, 1, 0, 5], [1, 2, 2, 4, 7], [9, 5, 0, 2, 3]])
rules = {"max": np.nanmax, "mean": np.nanmean, "min": np.nanmin}
plotting.pooling_panels(
    x, 2, {name: pool(x, 2, 2, rule) for name, rule in rules.items()}, "Each window leaves one number"
)
plt.show()

# %% [markdown]
# An output has the colour of its window. The maximum asks whether the kernel fits anywhere in the window, the mean how
# well it fits on the whole, the minimum whether it fits everywhere. Grey is what no window reads: five pixels hold two
# windows of two, and the fifth row and column are dropped, even the 9, the largest number of all.
#
# Three arguments decide what happens at the edge. `padding` puts $p$ places around the map. `ceil_mode` rounds the number
# of windows up, so that a last one may reach beyond the end. And an average must know what to divide by: with
# `exclusive=True`, Paddle's default, by the pixels that are there; otherwise padded places count as zeros. A padded place
# never wins a maximum. Windows overlap where the stride is smaller than the kernel, with padding or without. In the figure
# white cells are pixels and grey ones are added; a line is a window, and its dots are what it reads:

# %%
kernel, stride = 3, 2
cases = [  # name, kernel, stride, padding (before and after), dilation
    ("kernel 3, stride 2", kernel, stride, 0, 1),
    ("padding 1", kernel, stride, 1, 1),
    ("padding 1 and ceil_mode (one place more at the end)", kernel, stride, ((1, 2), (1, 2)), 1),
]
plotting.window_rows(6, cases)
plt.show()

row = np.arange(1.0, 7)[None]  # one row of six: 1 to 6
rims = {"zeros count": 0.0, "exclusive": np.nan}
for name, fill in rims.items():
    line = np.pad(row, ((0, 0), (1, 1)), constant_values=fill)[0]
    means = [float(np.nanmean(line[start : start + 3])) for start in (0, 2, 4, 6)]
    print(f"means of 1 to 6, padding 1 and ceil_mode, {name:11}:", means)

# %% [markdown]
# By hand: the first window holds one padded place, 1 and 2, so its mean is $3/2$ or $3/3$. The last one holds 6, a padded
# place, and the place that `ceil_mode` reached for, which never counts: $6/1$ or $6/2$. Our `pool` against Paddle's
# operators, for odd and even sizes:

# %%
EDGES = {  # size, K, S, padding, ceil_mode
    "even": ((6, 8), 2, 2, 0, False),
    "odd, rounded down": ((7, 5), 2, 2, 0, False),
    "odd, rounded up": ((7, 5), 2, 2, 0, True),
    "overlap and padding": ((7, 6), 3, 2, 1, False),
    "all of them": ((8, 6), 3, 2, 1, True),
}
for name, (size, K, S, padding, ceil_mode) in EDGES.items():
    edge = dict(padding=padding, ceil_mode=ceil_mode)
    for dtype in ("float32", "float64"):
        x = np.random.default_rng(run.seed).standard_normal(size).astype(dtype)
        picture = paddle.to_tensor(x)[None, None]  # [1, 1, H, W]
        largest = pool(x, K, S, np.nanmax, **edge)
        mean = pool(x, K, S, np.nanmean, **edge)
        mean_with_zeros = pool(x, K, S, np.nanmean, fill=0, **edge)
        assert close(largest, F.max_pool2d(picture, K, S, **edge).numpy()[0, 0])
        assert close(mean, F.avg_pool2d(picture, K, S, **edge).numpy()[0, 0])
        assert close(mean_with_zeros, F.avg_pool2d(picture, K, S, exclusive=False, **edge).numpy()[0, 0])
    print(f"{name:20} {size} -> {largest.shape}: maximum and both averages equal Paddle's")

# %% [markdown]
# `ops.max_pool2d` and `ops.avg_pool2d` do the same for whole batches. On the way back, a maximum hands all of a window's
# gradient to the pixel that won, and a mean shares it out equally (chapter 05 walks that way by hand).

# %% [markdown]
# ## 3 What does pooling cost, and what does it save?
#
# A rule has no parameters. Its operations are counted in two ways. One by one, the largest of $K^2$ values takes
# $K^2 - 1$ comparisons, and their mean $K^2 - 1$ additions and a division. `paddle.flops` counts a whole average as one
# operation and a maximum as none. By both, the second pooling of LeNet (a small net that reads digits, chapter 06), 16 maps
# of $10 \times 10$:

# %%
maps, side, K = 16, 10, 2
outputs = maps * (side // K) ** 2
for kind, pooling in {"maximum": nn.MaxPool2D(K), "average": nn.AvgPool2D(K)}.items():
    theirs = paddle.flops(nn.Sequential(pooling), [1, maps, side, side])
    one_by_one = outputs * (K * K - 1) + (outputs if kind == "average" else 0)
    assert theirs == (outputs if kind == "average" else 0)
    print(f"{kind}: {outputs} outputs, paddle.flops {theirs}, one by one {one_by_one:,}\n")
before = conv2d_cost((1, 6, 14, 14), (16, 6, 5, 5))
print(f"the convolution before it: {before.macs:,} MACs, {before.parameters:,} parameters")

# %% [markdown]
# (A MAC, a multiply-accumulate, is one product and its addition.) By either count pooling costs next to nothing. What does
# it save? Take two convolutions with kernels of $5 \times 5$, 3 to 6 to 16 channels, on $224 \times 224$ pixels, then a fully
# connected layer (全连接层), in which each of 64 outputs weighs every number of the maps. After each convolution we pool by
# 2, or we let the convolution itself take stride 2, or neither. **Predict first:** which numbers change, the parameters of
# the convolutions, their MACs, the weights of the fully connected layer?

# %%
print(f"{'':14}{'map':>10} {'parameters':>11} {'MACs':>12} {'weights':>12}")
print(f"{'':14}{'at the end':>10} {'(convolved)':>11} {'(convolved)':>12} {'(connected)':>12}")
for way, (stride, K) in {"neither": (1, 1), "pooling by 2": (1, 2), "stride 2": (2, 1)}.items():
    size, macs, parameters = 224, 0, 0
    for D, P in ((3, 6), (6, 16)):
        cost = conv2d_cost((1, D, size, size), (P, D, 5, 5), stride=stride, padding=2)
        macs, parameters = macs + cost.macs, parameters + cost.parameters
        size = cost.output_shape[2] // K
    print(f"{way:14}{size:4} x {size:3} {parameters:11,} {macs:12,} {16 * size * size * 64:12,}")

# %% [markdown]
# A convolution's parameters do not depend on the size of the map, so neither way saves any. The fully connected layer has
# a weight for every place of every map, and there both save fifteen of sixteen. Stride also saves work in the convolutions
# themselves. What does it give up? A convolution with stride 2 skips three of four places. So it is a pooling as well: by
# the rule that keeps the first value of each window, whatever the others say.

# %%
plain, strided = ConvLayer(3, 1, 5, stride=1, padding=2), ConvLayer(3, 1, 5, stride=2, padding=2)
strided.set_state_dict(plain.state_dict())
with paddle.no_grad():  # nobody will ask for gradients
    x = paddle.randn([1, 3, 12, 12])
    every_place, every_second = plain(x).numpy()[0, 0], strided(x).numpy()[0, 0]
first_of_window = pool(every_place, K=2, S=2, rule=lambda window: window[0, 0])
assert close(first_of_window, every_second)
print(
    "stride 2 = stride 1, then the first value of each 2 x 2 window, within 1e-5:", close(first_of_window, every_second)
)

# %% [markdown]
# ## 4 What does pooling forgive?
#
# Chapter 01 found that a convolution is equivariant (等变) to shifts: move the picture and the map moves along. Pooling can
# do more, and forget the move: that is invariance (不变性). When? Take the smallest picture, one bright pixel, and move it
# to the right. **Predict first:** for which shifts does max-pooling by 2 give the same map as before?

# %%
dot = np.zeros((8, 8))
dot[3, 2] = 1
moved = [np.roll(dot, d, axis=1) for d in range(4)]
pooled = [pool(picture, 2, 2, np.nanmax) for picture in moved]
titles = [f"shift {d}" for d in range(4)] + ["pooled by 2"] * 4
message = "Pooling forgets a move inside a window only"
figure = plotting.image_grid([*moved, *pooled], titles, columns=4, size=1.5, message=message)
for axis in figure.axes[:4]:  # the windows
    axis.vlines([1.5, 3.5, 5.5], -0.5, 7.5, color="0.5", linewidth=0.8)
    axis.hlines([1.5, 3.5, 5.5], -0.5, 7.5, color="0.5", linewidth=0.8)
plt.show()

starts = np.eye(64)[:8]  # eight rows of 64 pixels, each with one bright pixel at another place
shifts = np.array([0, 1, 2, 3, 4, 6, 8])
print("shift  " + "".join(f"{d:4}" for d in shifts) + "   (same map, in %)")
for K in (2, 4, 8):
    maps = [np.roll(starts, d, axis=1).reshape(8, -1, K).max(axis=2) for d in shifts]  # [start, 64 / K] each
    same = np.array([(y == maps[0]).all(axis=1).mean() for y in maps])  # a share for each shift
    assert np.allclose(same, np.maximum(0, K - shifts) / K)
    print(f"K = {K}: " + "".join(f"{100 * share:4.0f}" for share in same))

# %% [markdown]
# The pixel begins at each of eight places, and the table says in how many of them the pooled map stays the same: a share
# of $(K - d) / K$ for a shift by $d < K$, and none from $d = K$ on. A shift by exactly $K$ moves the pooled map by one
# place, as a convolution would. So invariance ends at the window's size, and it is luck even before.
#
# A real map has many values, and some of them always change. Let $T_d$ shift a picture by $d$ pixels to the right and let
# $M$ be the max-pooled picture as a function of it. How far is the pooled map from what it was, as a share of its norm? It
# depends on where the windows' borders lie, so we take the mean of eight starts.
#
# $$\text{change}(d) = \frac{\lVert M(T_d\, x) - M(x) \rVert}{\lVert M(x) \rVert}, \qquad
#   \lVert y \rVert = \sqrt{\textstyle \sum y_{ij}^2}$$

# %%
digit = np.pad(as_mnist(EXAMPLE)[0, 0] / 255, 18)  # [64, 64], black around it
shifts = np.arange(13)
figure, axis = plt.subplots(figsize=(8, 3.6))
change = {}
for K in (1, 2, 4, 8, 64):
    blocks = [np.roll(digit, d, axis=1).reshape(64 // K, K, 64 // K, K).max(axis=(1, 3)) for d in range(20)]
    moves = [[np.linalg.norm(blocks[s + d] - blocks[s]) / np.linalg.norm(blocks[s]) for d in shifts] for s in range(8)]
    change[K] = np.mean(moves, axis=0)  # over eight starts
    axis.plot(shifts, change[K], "-o", markersize=4, label={1: "not pooled", 64: "by 64: one value"}.get(K, f"by {K}"))
axis.axhline(np.sqrt(2), color="black", linestyle=":", label="nothing in common")
axis.set(xlabel="shift of the digit, pixels", ylabel="change of the map")
axis.set_title("Pooling softens a small shift; it does not undo it")
axis.legend(fontsize=11, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
less = [bool((change[small] > change[large])[1:9].all()) for small, large in ((1, 2), (2, 4), (4, 8))]
print("at every shift from 1 to 8, a larger window changes less:", all(less))

# %% [markdown]
# Two maps of equal norm that have no bright place in common differ by $\sqrt 2$ of it. Pooling by 2 takes a part of the
# change away, larger windows more; only a window as large as the picture takes all of it, and then we know no longer
# where anything was. A network pools little by little instead, with convolutions in between. Section 10 measures what that
# is worth when a digit moves.

# %% [markdown]
# ## 5 Why bend at all? Activation functions (激活函数)
#
# After a convolution or a fully connected layer stands a function that is applied to each number by itself: the
# activation. **Predict first:** what can two fully connected layers do without one that a single layer cannot?
#
# $$(x W_1 + b_1)\, W_2 + b_2 = x\, (W_1 W_2) + (b_1 W_2 + b_2)$$
#
# The right side is one layer, with the weights $W_1 W_2$. To see it in numbers, let us look for the single layer that
# imitates two layers best (least squares), once as they are and once with ReLU, $\max(0, x)$, between them:

# %%
rng = np.random.default_rng(run.seed)
x = rng.standard_normal((200, 8))
W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in ((8, 16), (16,), (16, 4), (4,)))
with_one = np.hstack([x, np.ones((200, 1))])  # its last column carries the bias
for name, bend in {"nothing": lambda a: a, "ReLU": lambda a: np.maximum(0, a)}.items():
    y = bend(x @ W1 + b1) @ W2 + b2  # [200, 4]
    imitation = with_one @ np.linalg.lstsq(with_one, y, rcond=None)[0]
    print(f"{name} between them: one layer does the same within 1e-9:", np.allclose(imitation, y, rtol=0, atol=1e-9))
assert np.allclose((x @ W1 + b1) @ W2 + b2, x @ (W1 @ W2) + (b1 @ W2 + b2))

# %% [markdown]
# Without a bend in between, depth buys nothing. Three bends made history:
#
# $$\begin{aligned} \sigma(x) &= \frac{1}{1 + e^{-x}} \\ \tanh(x) &= \frac{e^x - e^{-x}}{e^x + e^{-x}} \\
# \mathrm{ReLU}(x) &= \max(0, x) \end{aligned}$$
#
# Training needs their slopes too (section 6), so each function below returns its value $f$ and its derivative (导数) $f'$.
# The sigmoid's follows from the value itself, $\sigma' = \sigma\,(1 - \sigma)$, and so does that of tanh, $1 - \tanh^2$.


# %%
def sigmoid(x):
    f = 1 / (1 + np.exp(-x))
    return f, f * (1 - f)


def tanh(x):
    f = np.tanh(x)
    return f, 1 - f**2


def relu(x):
    return np.maximum(0, x), np.where(x > 0, 1.0, 0.0)


by_hand = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu}
x = np.linspace(-8, 8, 101) + 0.03  # 101 points, none of them at a kink
for name, function in by_hand.items():
    f, slope = function(x)
    tensor = paddle.to_tensor(x, stop_gradient=False)
    native = getattr(F, name)(tensor)
    (paddles_slope,) = paddle.grad(native.sum(), tensor)
    equal = np.allclose(f, native.numpy(), atol=1e-9) and np.allclose(slope, paddles_slope.numpy(), atol=1e-9)
    assert equal
    print(f"{name}: value and derivative equal Paddle's at 101 points within 1e-9:", equal)
print(f"the largest derivative of a sigmoid, at x = 0: {sigmoid(np.zeros(1))[1][0]}")

# %% [markdown]
# ReLU has a kink (折点) at 0: no derivative there, only a slope on either side, of which a program must take one.
#
# The course notes list 22 activations by the names of an old Paddle. Here they are, with three newer ones: GELU, Mish
# and SiLU, which is only another name for Swish. $[x > 0]$ is 1 where it holds and 0 elsewhere, $\sigma$ is the
# sigmoid, $s = \log(1 + e^x)$, and $\Phi$ and $\varphi$ are the normal distribution (正态分布) and its density. Constants in
# the formulas, such as the slope 0.25 that `prelu` would learn, are one choice of many.
#
# The last column was found by a program, which keeps what gives the same values as ours: a function of the old name, with
# or without underscores, in `paddle.nn.functional` (`F`) or `paddle`; else, after *gone*, an expression in its place.

# %%
ops.activation_table()

# %%
offset = min(np.abs(x - kink).min() for a in ops.ACTIVATIONS for kink in a.kinks)
assert offset > 0.005  # so no point lies at a kink
for a in ops.ACTIVATIONS:
    ours, paddles = a(x), ops.paddle_value_and_slope(ops.paddle_call(a), x)
    for mine, theirs in zip(ours, paddles):
        assert np.abs(mine - theirs).max() <= 1e-9 * max(1, np.abs(theirs).max()), a.name
print(f"{len(ops.ACTIVATIONS)} values and derivatives by hand equal Paddle's and its autograd's within 1e-9")

# %% [markdown]
# **Predict first**, before you look at the figure: which derivatives are never above $\tfrac14$? Which are exactly 0 from
# some point on, to the left or to the right?

# %%
panels = {"swish = silu" if a.name == "swish" else a.name: (a, a.kinks) for a in ops.ACTIVATIONS if a.name != "silu"}
plotting.activation_panels(panels, "The derivative (dashed) says where a gradient passes")
plt.show()
slopes = {name: a(x)[1] for name, (a, _) in panels.items()}  # over x from -8 to 8
print("never above 1/4:", ", ".join(name for name, slope in slopes.items() if slope.max() <= 0.25))
ends = {name: (slope[x < -7], slope[x > 7]) for name, slope in slopes.items()}
print("0 towards one end:", ", ".join(name for name, two in ends.items() if not all(end.any() for end in two)))

# %% [markdown]
# Mind the scales, each panel has its own. The first row saturates (饱和): on both sides its derivatives approach 0. ReLU
# passes all of a gradient on the right and nothing on the left, its leaky relatives a little there; the fifth row is nearly
# ReLU, without the corner. The sigmoid's derivative $f(1-f)$ is largest where $f = \tfrac12$: $\tfrac14$. Keep that number.
#
# Which one to take? Most nets of this course take ReLU. The next section shows why, and section 7 what it risks.
#
# ## 6 Where does the gradient go? Vanishing gradient (梯度消失)
#
# Stack $n$ layers, $h_l = f(h_{l-1} W_l)$ for $l = 1, \dots, n$. The input $h_0$ is a batch of $N$ rows of $d$ numbers, the
# weights $W_l$ are $[d, d]$. Let $L$ be the loss (损失), a number that says how wrong the last layer's output is, and
# $g_l = \partial L / \partial h_l$ its gradient with respect to the values of layer $l$, of the shape $[N, d]$. The chain
# rule (链式法则) brings it one layer back by two products, first number by number ($\odot$), then with the weights:
#
# $$g_{l-1} = \left( g_l \odot f'(h_{l-1} W_l) \right) W_l^{\top}$$
#
# Each layer multiplies the gradient once by slopes and once by weights. The weights of layer $l$ have the gradient
# $h_{l-1}^\top (g_l \odot f')$: where $g_l$ is next to nothing, they learn next to nothing. Our net has $n = 20$ layers of
# $d = 100$ numbers. A random $g_n$ stands for the gradient of some loss, since only the way back matters here.


# %%
DEPTH, WIDTH = 20, 100


def forward(f, gain, seed):
    """x, and W [WIDTH, WIDTH] and f' [N, WIDTH] of each layer; W is normal with deviation gain / sqrt(WIDTH)."""
    rng = np.random.default_rng(seed)
    x = h = rng.standard_normal((WIDTH, WIDTH))  # [N, WIDTH], with N = WIDTH
    layers = []
    for _ in range(DEPTH):
        W = gain / np.sqrt(WIDTH) * rng.standard_normal((WIDTH, WIDTH))
        h, slope = f(h @ W)
        layers.append((W, slope))
    return x, layers


def backward(layers, seed):
    """The gradients g_n, ..., g_0, from the last layer back to the input."""
    gradients = [np.random.default_rng(seed + 1000).standard_normal((WIDTH, WIDTH))]
    for W, slope in reversed(layers):
        gradients.append((gradients[-1] * slope) @ W.T)
    return gradients


# %% [markdown]
# How large should the initial weights be? A sum of $d$ random products grows with $\sqrt d$, so the weights are drawn with
# standard deviation (标准差) $\text{gain} / \sqrt d$. Xavier initialization (Glorot & Bengio 2010) has gain 1 for a square layer. He
# initialization (He et al. 2015) has gain $\sqrt 2$, because ReLU sets half of the numbers to 0. So each function gets the
# initialization that was made for its kind. **Predict first:** after 20 layers, which gradient is smallest, and by how
# many powers of ten?

# %% tags=["nbval-ignore-output"]
GAINS = {"sigmoid": 1.0, "tanh": 1.0, "relu": np.sqrt(2)}
seeds = [run.seed + number for number in range(run.pick(full=20, quick=5))]


def sizes(f, gain, seed):
    """|g_l| / |g_n| for l = n, ..., 0: [DEPTH + 1]."""
    norms = np.array([np.linalg.norm(g) for g in backward(forward(f, gain, seed)[1], seed)])
    return norms / norms[0]


def band(runs):
    """The smallest, the middle and the largest of the seeds; runs: [seeds, points]."""
    return runs.min(axis=0), np.median(runs, axis=0), runs.max(axis=0)


back = np.arange(DEPTH + 1)
measured = {name: np.array([sizes(by_hand[name], gain, seed) for seed in seeds]) for name, gain in GAINS.items()}
figure, axis = plt.subplots(figsize=(7, 3.6))
plotting.interval_curves(axis, back, {name: band(runs) for name, runs in measured.items()})
axis.set(xlabel="layers passed on the way back", ylabel="gradient (last layer: 1)", xticks=back[::4], yscale="log")
axis.set_title("Twenty sigmoids leave next to nothing of the gradient")
axis.legend()
plt.show()
for name, runs in measured.items():
    print(f"{name}: after 20 layers {runs[:, -1].min():.1e} to {runs[:, -1].max():.1e} ({len(seeds)} seeds)")

# %% [markdown]
# Lines are medians, bands go from the smallest to the largest seed; where you see no band it is thinner than the line. The
# first layers of the sigmoid net learn from almost nothing. That is the vanishing gradient.
#
# The notes give the name; here is the cause. $\sigma' \le \tfrac14$, so $n$ layers cannot scale a gradient by more than
# $0.25^n$, *times what the weights do*. How much does a matrix stretch? At most, for the worst direction, by its spectral
# norm (谱范数) $\lVert W \rVert_2$. A random direction, by the root mean square (均方根) $\lVert W \rVert_F / \sqrt d$ with
# $\lVert W \rVert_F^2 = \sum w_{ij}^2$, which is nearly the gain that $W$ was drawn with. So there are three lines to draw:
#
# - $0.25^n$ alone, which is a bound only if no matrix stretches anything;
# - the **bound** $\prod_l 0.25\, \lVert W_l \rVert_2$, which holds for every gradient;
# - the **estimate** $\prod_l \sqrt{\text{mean of } f'^2} \cdot \lVert W_l \rVert_F / \sqrt d$, which takes the gradient for a
#   random direction. No theorem says that it holds.
#
# **Predict first:** with weights four times as large, where will the measured line lie?


# %%
assert (measured["sigmoid"][:, -1] < 1e-9).all()  # the figure above


def bound_and_estimate(layers):
    """Two products over the layers passed on the way back, each [DEPTH + 1]."""
    bound, estimate = [1.0], [1.0]
    for W, slope in reversed(layers):
        bound.append(bound[-1] * 0.25 * np.linalg.norm(W, 2))
        estimate.append(estimate[-1] * np.sqrt((slope**2).mean()) * np.linalg.norm(W) / np.sqrt(WIDTH))
    return bound, estimate


lines = {}
for gain in (1.0, 4.0):
    pairs = np.array([bound_and_estimate(forward(sigmoid, gain, seed)[1]) for seed in seeds])  # [seeds, 2, DEPTH + 1]
    runs = np.array([sizes(sigmoid, gain, seed) for seed in seeds])
    lines[gain] = {"measured": runs, "bound": pairs[:, 0], "estimate": pairs[:, 1]}

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 4), sharey=True)
for axis, (gain, curves) in zip(axes, lines.items()):
    axis.set_yscale("log")
    plotting.interval_curves(axis, back, {name: band(runs) for name, runs in curves.items()})
    axis.lines[0].set(linewidth=8, alpha=0.4)  # or the estimate would hide what was measured
    axis.plot(back, 0.25**back, color="black", linestyle=":", label="$0.25^n$ alone")
    axis.set_title(f"gain {gain:g}", fontsize=12)
    axis.set(xlabel="layers passed on the way back", xticks=back[::5])
axes[0].set_ylabel("size of the gradient")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
figure.suptitle("Sigmoid: larger weights lift the gradient far above $0.25^n$", x=0.01, ha="left", fontsize=14)
plt.show()
for gain, curves in lines.items():
    below = bool((curves["measured"] <= curves["bound"]).all())
    ratio = curves["measured"][:, -1] / curves["estimate"][:, -1]
    near = bool((np.abs(np.log(ratio)) < np.log(2)).all())
    alone = bool((curves["measured"][:, -1] <= 0.25**DEPTH).all())
    assert below and near
    print(f"gain {gain:g}: below the bound {below}, estimate within a factor of 2 {near}, below 0.25^20 {alone}")

# %% [markdown]
# The bound always holds, and is far too high, because no gradient points into the steepest direction of every matrix. The
# estimate is near in both nets. $0.25^n$ alone is neither: large weights break it. But they do not save the sigmoid
# either. They push the sums out to where $\sigma'$ is far below $\tfrac14$, so the gradient still vanishes.
#
# ### What do initialization and normalization change?
#
# Multiply all initial weights by a common factor, from a quarter to four. And once more with batch normalization (批归一化),
# the subject of chapter 04: before each activation, each column of $h W$ is shifted and scaled to mean 0 and deviation 1
# over the batch. Paddle's automatic differentiation (autograd, 自动微分) goes back through it for us; without the
# normalization it must find what we found by hand.


# %%
def reaches_input(name, factor, seed, normalize):
    """|g_0| / |g_n| by autograd, with the matched initialization times `factor`."""
    rng = np.random.default_rng(seed)
    x = paddle.to_tensor(rng.standard_normal((WIDTH, WIDTH)), stop_gradient=False)
    h = x
    for _ in range(DEPTH):
        W = factor * GAINS[name] / np.sqrt(WIDTH) * rng.standard_normal((WIDTH, WIDTH))
        a = h @ paddle.to_tensor(W)
        if normalize:
            a = a - a.mean(axis=0, keepdim=True)
            a = a / (a**2).mean(axis=0, keepdim=True).sqrt()
        h = getattr(F, name)(a)
    g = np.random.default_rng(seed + 1000).standard_normal((WIDTH, WIDTH))
    (gradient,) = paddle.grad((h * paddle.to_tensor(g)).sum(), x)
    return np.linalg.norm(gradient.numpy()) / np.linalg.norm(g)


for name in GAINS:
    equal = np.isclose(reaches_input(name, 1, seeds[0], False), measured[name][0, -1], rtol=1e-9)
    assert equal
    print(f"{name}: the same nets as above give the same sizes within 1e-9:", bool(equal))

# %%
factors = np.array([0.25, 0.5, 1, 2, 4])
few = seeds[: run.pick(full=10, quick=5)]
swept = {
    normalize: {
        name: np.array([[reaches_input(name, factor, seed, normalize) for factor in factors] for seed in few])
        for name in GAINS
    }
    for normalize in (False, True)
}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.9), sharey=True)
for axis, (normalize, curves) in zip(axes, swept.items()):
    axis.set(xscale="log", yscale="log", xlabel="initial weights times")
    axis.axhline(1, color="#999999", linewidth=1)
    plotting.interval_curves(axis, factors, {name: band(runs) for name, runs in curves.items()})
    axis.set_xticks(factors, labels=[f"{factor:g}" for factor in factors], minor=False)
    axis.minorticks_off()
    axis.set_title("with batch normalization" if normalize else "as they are", fontsize=12)
axes[0].set_ylabel("gradient at the input\n(last layer: 1)")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
figure.suptitle("Normalization takes the weights' scale out of the gradient", x=0.01, ha="left", fontsize=14)
plt.show()

# %%
for name in GAINS:
    plain, normalized = swept[False][name], swept[True][name]
    spread = bool(np.allclose(normalized, normalized[:, :1], rtol=1e-6))
    tiny = bool((plain[:, 0] < 1e-9).all())
    assert spread and tiny
    print(f"{name}: a quarter of the weights, below 1e-9: {tiny}; normalized, the same for all factors: {spread}")
print("normalized, the gradient of ReLU nets grows towards the input:", bool((swept[True]["relu"] > 1).all()))

# %% [markdown]
# On the left, a factor of four in the weights is a factor of up to $4^{20}$ in the gradient: too small and it vanishes, too
# large and it explodes (梯度爆炸). For ReLU it is exactly this power, since $\max(0, cx) = c \max(0, x)$. Saturation slows
# the explosion of tanh. No factor in the sweep saves the sigmoid.
#
# On the right the lines are flat: whatever the weights' factor is, the normalization divides it out again. They are not
# at 1 for all three. With normalization the gradient of a deep ReLU net *grows* towards the input, in a fresh net, by a
# modest factor a layer (Yang et al. 2019). A good start is not all that training needs, but without it there is nothing
# to train.
#
# ## 7 Can a ReLU die?
#
# ReLU passes the whole gradient where its input is positive, and none where it is not. A unit whose input is negative for
# *every* sample gets no gradient at all. Its weights then stay as they are, so it stays silent: it is dead (神经元死亡).
# One step that is too long can do that.
#
# To watch it, we train a small net: two inputs, 50 hidden units, one output that says whether a point lies inside a circle.
#
# $$h = f(x W + b), \qquad q = \sigma(h v + c)$$
#
# with a point $x\,[2]$, weights $W\,[2, 50]$ and $v\,[50, 1]$, biases $b\,[50]$ and $c$, and the output $q$, near 1 for
# "inside". A step of gradient descent (梯度下降) subtracts from each of $W, b, v, c$ its gradient times the learning rate
# (学习率). The first 50 steps have a rate of our choice, the rest a decent one, 0.3.
#
# The label $y$ is 1 for a point inside and 0 outside. With the loss of chapter 05, cross entropy (交叉熵), the way back
# begins with $q - y$, and goes on as in section 6. All seeds are trained at once, along a leading axis. A *leaky ReLU*
# differs by one number: the slope on the left, 0.1 where ReLU has 0.

# %%
rng = np.random.default_rng(run.seed)
points = rng.standard_normal((200, 2))
inside = ((points**2).sum(axis=1, keepdims=True) < 1.39) * 1.0  # [200, 1]: about half of them
SEEDS, HIDDEN = len(seeds), 50
start = {
    "W": rng.standard_normal((SEEDS, 2, HIDDEN)),  # He: deviation sqrt(2 / 2)
    "b": np.zeros((SEEDS, 1, HIDDEN)),
    "v": rng.standard_normal((SEEDS, HIDDEN, 1)) / np.sqrt(HIDDEN),
    "c": np.zeros((SEEDS, 1, 1)),
}


def silent(p):
    """Which hidden units give a negative sum for every point: [SEEDS, HIDDEN]."""
    return (points @ p["W"] + p["b"] <= 0).all(axis=1)


# %%
def gradients_of(p, x, y, left):
    """Of the loss, for each parameter; left: the activation's slope below 0."""
    a = x @ p["W"] + p["b"]  # [SEEDS, N, HIDDEN]
    slope = np.where(a > 0, 1.0, left)
    h = slope * a
    g = (ops.activations.sigmoid(h @ p["v"] + p["c"])[0] - y) / len(x)  # [SEEDS, N, 1]
    g_a = (g @ p["v"].transpose(0, 2, 1)) * slope  # [SEEDS, N, HIDDEN]
    return {
        "W": x.T @ g_a,
        "b": g_a.sum(axis=1, keepdims=True),
        "v": h.transpose(0, 2, 1) @ g,
        "c": g.sum(axis=1, keepdims=True),
    }


def descend(p, rate, steps, left, order):
    """So many steps of gradient descent on 20 points each; changes p."""
    for _ in range(steps):
        rows = order.integers(0, len(points), 20)
        for name, gradient in gradients_of(p, points[rows], inside[rows], left).items():
            p[name] -= rate * gradient


# %% [markdown]
# First the claim itself, at a first rate of 10: does a silent unit get no gradient, and does it stay silent?

# %%
p, order = {name: value.copy() for name, value in start.items()}, np.random.default_rng(run.seed)
descend(p, rate=10, steps=50, left=0.0, order=order)
dead = silent(p)
gradients = gradients_of(p, points, inside, left=0.0)
print("some units are silent after 50 steps that were too long:", bool(dead.any()))
print("their weights' gradients are exactly 0:", not gradients["W"].transpose(0, 2, 1)[dead].any())
leaky = gradients_of(p, points, inside, left=0.1)
print("with a leaky ReLU the same weights have a gradient:", bool(leaky["W"].transpose(0, 2, 1)[dead].any()))
descend(p, rate=0.3, steps=run.pick(full=2000, quick=400), left=0.0, order=order)
print("after further training at a decent rate every one of them is still silent:", bool(silent(p)[dead].all()))
assert dead.any() and silent(p)[dead].all()

# %% [markdown]
# **Predict first:** has the leaky net, too, units whose sum is negative for every point ("silent") in the end? Which net
# still learns to tell inside from outside?


# %%
def outcome(left, first_rate, then_rate=0.3):
    """After training: silent units in %, points classified right in %, and the mean of |v|; [SEEDS] each."""
    p, order = {key: value.copy() for key, value in start.items()}, np.random.default_rng(run.seed)
    descend(p, first_rate, 50, left, order)
    descend(p, then_rate, run.pick(full=3000, quick=600), left, order)
    a = points @ p["W"] + p["b"]
    answer = np.where(a > 0, a, left * a) @ p["v"] + p["c"] > 0
    return 100 * silent(p).mean(axis=1), 100 * (answer == inside).mean(axis=(1, 2)), np.abs(p["v"]).mean(axis=(1, 2))


rates = np.array([0.3, 1, 2, 3, 5, 7, 10])
kinds = {"ReLU": 0.0, "leaky ReLU": 0.1}
runs = {name: np.array([outcome(left, rate) for rate in rates]) for name, left in kinds.items()}
shares, right, weights = ({name: values[:, k].T for name, values in runs.items()} for k in range(3))  # [SEEDS, rates]

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 3.9))
for axis, curves, label in zip(axes, (shares, right), ("% of units silent", "% of points classified right")):
    axis.set_xscale("log")
    plotting.interval_curves(axis, rates, {name: band(runs) for name, runs in curves.items()})
    axis.set(xlabel="learning rate of the first 50 steps", ylabel=label, ylim=(-3, 103))
    axis.set_xticks(rates, labels=[f"{rate:g}" for rate in rates])
    axis.minorticks_off()
majority = 100 * max(inside.mean(), 1 - inside.mean())
axes[1].axhline(majority, color="black", linestyle=":", label="always one answer")
figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
figure.suptitle("Too long steps kill ReLU units; a leaky net goes on learning", x=0.01, ha="left", fontsize=14)
plt.show()

# %%
for name in kinds:
    spared, lost = bool(shares[name][:, 0].mean() < 10), bool(shares[name][:, -1].mean() > 10)
    print(f"{name}: under 10 % silent at the smallest rate {spared}, over 10 % at the largest {lost}")
saved = right["leaky ReLU"][:, -1] - right["ReLU"][:, -1]  # points of accuracy, seed by seed
assert saved.mean() > 0
growth = np.median(weights["leaky ReLU"][:, -1]) / np.median(weights["ReLU"][:, -1])
print("there the leaky net's weights v end more than five times as large as ReLU's:", bool(growth > 5))

# %% [markdown]
# Lines are medians, bands go from the smallest to the largest seed. They are wide: how many units fall silent is a matter of
# luck. What does not vary is that no silent ReLU comes back. A leaky net has silent units too, but each of them still
# passes a tenth of every number and of every gradient: it has become linear, not dead, and goes on learning.
#
# That does not make a bad rate good. A dead unit also stops moving, a leaky one does not: its weights went on growing, and
# exercise 5 shows where that ends. The first cure is the rate itself.

# %% [markdown]
# ## 8 In which order?
#
# The usual block is convolution, activation, pooling. Does the order of the last two matter? Let $f$ be an activation that
# never falls: where $a \le b$, $f(a) \le f(b)$. Then the largest value of a window stays the largest, and
#
# $$\max_{u,v} f(x_{u,v}) = f\Bigl(\max_{u,v} x_{u,v}\Bigr).$$
#
# The two commute (可交换): they may change places. **Predict first:** for which does that hold, ReLU, leaky ReLU, sigmoid,
# tanh, GELU, SiLU? And with the average in place of the maximum?

# %%
x = 3 * paddle.randn([8, 4, 16, 16])
poolings = {"maximum": F.max_pool2d, "average": F.avg_pool2d}
commutes = {
    f.__name__.lstrip("_"): {name: close(pooling(f(x), 2), f(pooling(x, 2))) for name, pooling in poolings.items()}
    for f in (F.relu, F.leaky_relu, F.sigmoid, F.tanh, F.gelu, F.silu)
}
assert commutes["relu"] == {"maximum": True, "average": False}
print(f"{'':12}" + "".join(f"{name:>10}" for name in poolings))
for name, row in commutes.items():
    print(f"{name:12}" + "".join(f"{'yes' if same else 'no':>10}" for same in row.values()))
print("window (-1, 1): ReLU of the mean", max(0, (-1 + 1) / 2), "; mean of the ReLUs", (max(0, -1) + max(0, 1)) / 2)

# %% [markdown]
# ReLU and max-pooling commute, so pooling first gives the same net with a quarter of the ReLUs to compute. GELU and SiLU
# fall a little left of 0 before they rise, so they do not commute. With the average nothing but a straight line does.
#
# ## 9 How do maps become an answer?
#
# The maps of the last block are $[N, C, H, W]$; a fully connected layer wants one row of numbers a sample. To
# *flatten* (展平) is to write them one after another, channel by channel, row by row: $x_{n,c,i,j}$ becomes number
# $c\,HW + i\,W + j$ of row $n$. The layer then weighs everything, $y = x w + b$, with $w$ of shape [in, out] in Paddle (other
# libraries store [out, in]). **Predict first:** from 5 values to 10, how many parameters, multiplications, additions?

# %%
maps = paddle.randn([2, 3, 4, 5])
rows = maps.flatten(1)  # [2, 60]
(C, H, W), (c, i, j) = maps.shape[1:], (2, 1, 3)
print("flattened:", list(rows.shape), "; value [1, 2, 1, 3] stands at", c * H * W + i * W + j, end=": ")
print(bool(maps[1, c, i, j] == rows[1, c * H * W + i * W + j]))

linear = nn.Linear(5, 10)
x = paddle.randn([1, 5])
values, weights, biases = x.numpy()[0], linear.weight.numpy(), linear.bias.numpy()
y, multiplications, additions = [], 0, 0
for out in range(10):
    products = [values[k] * weights[k, out] for k in range(5)]
    y.append(sum(products) + biases[out])
    multiplications, additions = multiplications + 5, additions + 4 + 1  # five products need four; one for the bias
assert close([y], linear(x).numpy())
print("by hand equal to nn.Linear within 1e-5:", close([y], linear(x).numpy()))
parameters = sum(p.size for p in linear.parameters())
print("weight", list(linear.weight.shape), "and bias", list(linear.bias.shape), end=": ")
print(f"{parameters} parameters, {multiplications} multiplications, {additions} additions")

# %% [markdown]
# Now a whole stack, the network of the course's video 7.2: two blocks of convolution, ReLU and pooling, then two fully
# connected layers, for ten pictures of $3 \times 224 \times 224$. The padding of 2 keeps the size under a kernel of 5.
# **Predict first:** which layer has most of the parameters, and which does most of the work?


# %%
class SimpleNet(nn.Layer):
    """Video 7.2: x [N, 3, 224, 224] -> one number a picture, [N, 1]."""

    def __init__(self):
        super().__init__()
        self.conv1, self.pool1 = nn.Conv2D(3, 6, 5, padding=2), nn.MaxPool2D(2)
        self.conv2, self.pool2 = nn.Conv2D(6, 16, 5, padding=2), nn.MaxPool2D(2)
        self.fc1, self.fc2 = nn.Linear(16 * 56 * 56, 64), nn.Linear(64, 1)

    def forward(self, x):
        x = self.pool1(F.relu(self.conv1(x)))  # [N, 6, 112, 112]
        x = self.pool2(F.relu(self.conv2(x)))  # [N, 16, 56, 56]
        x = F.relu(self.fc1(x.flatten(1)))  # [N, 64]
        return self.fc2(x)


net = SimpleNet()
table = summarize(net, (10, 3, 224, 224))
table

# %% [markdown]
# The MACs are for all ten pictures. (Statistics are what some layers of chapter 04 keep beside their parameters.) Each line
# can be had by hand:

# %%
N, shape, by_hand_rows = 10, (3, 224, 224), []
for name, P in (("conv1", 6), ("conv2", 16)):
    cost = conv2d_cost((N, *shape), (P, shape[0], 5, 5), padding=2)
    by_hand_rows.append((name, cost.output_shape, P * (shape[0] * 5 * 5 + 1), cost.macs))
    shape = (P, shape[1] // 2, shape[2] // 2)
    by_hand_rows.append((name.replace("conv", "pool"), (N, *shape), 0, 0))
for name, inputs, outputs in (("fc1", math.prod(shape), 64), ("fc2", 64, 1)):
    by_hand_rows.append((name, (N, outputs), (inputs + 1) * outputs, N * inputs * outputs))

assert by_hand_rows == [(row.name, row.output_shape, row.trainable, row.macs) for row in table.rows]
assert table.trainable == sum(row[2] for row in by_hand_rows) == 3_214_265
print("every line equals the table's; together", f"{table.trainable:,} parameters")
print("weight of fc1, [in, out]:", list(net.fc1.weight.shape))
fc1, conv2 = table.rows[4], table.rows[2]
for row in (fc1, conv2):
    parameters, macs = 100 * row.trainable / table.trainable, 100 * row.macs / table.macs
    print(f"{row.name}: {parameters:.2f} % of the parameters, {macs:.1f} % of the MACs")

# %% [markdown]
# A connected layer uses each weight once a picture, a convolution at every place; so the one holds the parameters and the
# other does the work.
#
# ## 10 What if the digit moves?
#
# Why all this, if a fully connected net (a multilayer perceptron, MLP, 多层感知机) can read a picture too? Because it does not
# know that pixels have neighbours. Put the pixels in any other fixed order (a permutation, 置换), and the rows of its first
# weight matrix too, and it computes the same:


# %%
def make_mlp():
    """1,024 pixels to 60 numbers to 10."""
    return nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 60), nn.ReLU(), nn.Linear(60, 10))


paddle.seed(run.seed)
mlp, shuffled = make_mlp(), make_mlp()
shuffled.set_state_dict(mlp.state_dict())
order = np.random.default_rng(run.seed).permutation(32 * 32)
shuffled[1].weight.set_value(mlp[1].weight.numpy()[order])

picture = np.pad(as_mnist(EXAMPLE) / 255, ((0, 0), (0, 0), (2, 2), (2, 2))).astype("float32")  # [1, 1, 32, 32]
scattered = picture.reshape(1, -1)[:, order].reshape(picture.shape)
same = close(shuffled(paddle.to_tensor(scattered)).numpy(), mlp(paddle.to_tensor(picture)).numpy())
assert same
plotting.image_grid([picture[0, 0], scattered[0, 0]], ["a digit", "pixels permuted"], size=2)
plt.show()
print("weights permuted as the pixels are: the same ten outputs within 1e-5:", same)

# %% [markdown]
# To an MLP both are equally good pictures, and "one pixel to the right" means nothing to it: a moved digit lights other
# inputs, with other weights. What it learned in one place it has to learn again in the next.
#
# How much does that cost? Three nets of nearly the same number of parameters learn centred digits and are tested on digits
# moved by $d$ pixels up, down, left and right: LeNet (two blocks of convolution, ReLU and max-pooling; chapter 06 builds
# it), LeNet with stride 2 instead of pooling, and the MLP. Training shows a net batches of 64 digits and changes its
# weights each time a little against the gradient of its error; chapter 05 explains the rule (Adam), chapter 06 opens the
# `Trainer`.
#
# A net's accuracy depends on chance, by its initial weights and the order of the digits. So each trains several times. With
# the mean $m$ and the standard deviation $s$ of $n$ runs we draw the 95 % interval $m \pm t\,s/\sqrt n$, where Student's
# factor $t$ is larger the fewer the runs. **Predict first:** by how many pixels may a digit move until LeNet reads half of
# them wrong? And at that shift, what remains of the MLP?


# %%
class StridedLeNet(LeNet5):
    """LeNet whose convolutions halve the map themselves; the same sizes and parameters."""

    def __init__(self):
        super().__init__()
        self.c1, self.c3 = nn.Conv2D(1, 6, 5, stride=2), nn.Conv2D(6, 16, 5, stride=2)
        self.s2 = self.s4 = nn.Identity()


def accuracies(make_net, seed):
    """Train on centred digits; the accuracy in % for each distance, mean of the four directions."""
    paddle.seed(seed)
    net = make_net()
    trainer = Trainer(net, paddle.optimizer.Adam(2e-3, parameters=net.parameters()), seed=seed, report=None)
    trainer.fit(train, epochs=run.pick(full=4, quick=3))
    result = []
    for d in distances:
        pictures = [np.roll(test.images, sign * d, axis) for axis in (2, 3) for sign in (1, -1)]
        shares = [trainer.evaluate(datasets.Split(moved, test.labels)).accuracy for moved in pictures]
        result.append(100 * np.mean(shares))
    return result


NETS = {"LeNet, max-pooling": LeNet5, "LeNet, stride 2": StridedLeNet, "MLP": make_mlp}
print({name: sum(p.size for p in make_net().parameters()) for name, make_net in NETS.items()})

# %% tags=["nbval-ignore-output"]
data = datasets.digits()
train, test = data.train.take(run.pick(full=6_000, quick=1_400)), data.test.take(run.pick(full=1_000, quick=200))
train, test = (datasets.Split(np.pad(s.images, ((0, 0), (0, 0), (2, 2), (2, 2))), s.labels) for s in (train, test))
distances = np.arange(7)
by_net = {
    name: np.array([accuracies(make_net, run.seed + number) for number in range(run.pick(full=5, quick=3))])
    for name, make_net in NETS.items()
}  # [runs, distances]
figure, axis = plt.subplots(figsize=(7.5, 3.8))
plotting.interval_curves(
    axis, distances, {name: metrics.mean_interval(runs) for name, runs in by_net.items()}, chance=10
)
axis.set(xlabel="shift of the test digits, pixels", ylabel="% read right", ylim=(0, 100))
axis.set_title("A small shift costs LeNet less than the MLP; neither survives a large one")
axis.legend(fontsize=11)
plt.show()
print(f"{data.source}; {len(train.labels):,} to learn from, {len(test.labels):,} to test")
for name, runs in by_net.items():
    print(f"{name:20}" + "".join(f"{accuracy:6.1f}" for accuracy in runs.mean(axis=0)), "%")

# %% [markdown]
# Bands are 95 % intervals over the runs. Find where LeNet's line falls below half, and the MLP's point under it. No net was
# shown a moved digit. LeNet looks for parts wherever they lie and pools a pixel or two of their move away, so a small shift
# costs it less. But its last layers are fully connected: they expect the parts where centred digits have them, and there
# the invariance ends. The net with stride 2 differs from LeNet in nothing but the rule that keeps one value of four.
#
# ## Recap
#
# What was measured on your machine and data. What was trained stands with its 95 % interval over the runs, in brackets; where
# it holds 0, the effect was not seen at this size.

# %% tags=["nbval-ignore-output"]
assert all(runs[:, 0].mean() > 2 * 10 for runs in by_net.values())  # all learned: twice chance at least
at = 2  # pixels
lenet = by_net["LeNet, max-pooling"][:, at]


def interval(values):
    """Mean and 95 % interval over runs, in points (of %), as text."""
    low, mean, high = metrics.mean_interval(values)
    return f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]"


print(f"pooling: no parameters; {16 * 5 * 5 * 3:,} comparisons in LeNet's second, {before.macs:,} MACs just before it")
print("a lone pixel's move by d < K stays unseen in (K - d) / K of the places")
print(f"{len(ops.ACTIVATIONS)} activations and their derivatives equal Paddle's; the sigmoid's slope is 0.25 at most")
left = ", ".join(f"{name} {np.median(runs[:, -1]):.1e}" for name, runs in measured.items())
print(f"gradient left after 20 layers (median of {len(seeds)} seeds): {left}")
print(f"classified right after a first rate of {rates[-1]:g}, leaky minus plain ReLU: {interval(saved)}")
print(f"video 7.2: {table.trainable:,} parameters, {100 * fc1.trainable / table.trainable:.1f} % of them in fc1")
print(f"digits moved by {at} pixels, LeNet minus MLP: {interval(lenet - by_net['MLP'][:, at])}")
print(f"the same, max-pooling minus stride 2: {interval(lenet - by_net['LeNet, stride 2'][:, at])}")

# %% [markdown]
# ## Where the course notes differ
#
# What the notes and the survey say, computed again. Some lines are right and stand here because they are easily doubted.

# %%
assert lenet.mean() > by_net["MLP"][:, at].mean()
errata.table("03_pooling_and_activation")

# %% [markdown]
# ## Try it
#
# 1. Pool by the median (`np.nanmedian`) in section 2. What does it do to the 9, and to a single wrong pixel?
# 2. In section 10, train with digits that were moved (`np.roll`) by up to four pixels. Which net gains most?
# 3. Give LeNet average pooling (`nn.AvgPool2D(2)` as `s2` and `s4`). Can you tell it from max-pooling?
# 4. In section 6, replace ReLU by GELU (`ops.activations.gelu`) with He's gain. Which gain would suit it better?
# 5. In section 7, start with all biases `b` at −6 and a first rate of 0.3. Who dies now? And with a first rate of 20, what
#    becomes of `weights`, and of the share of silent leaky units?
#
# To check yourself; each question opens to its answer.
#
# <details><summary>How many parameters does pooling have?</summary>None. The parameters that it saves are those of a fully
# connected layer behind it.</details>
#
# <details><summary>What is the difference between equivariant and invariant?</summary>Equivariant: the output moves along
# with the input. Invariant: it stays.</details>
#
# <details><summary>Why do twenty sigmoids stop learning in front?</summary>Each multiplies the gradient by at most a
# quarter, and weights that are large enough to make up for it push the sums out to where the slope is smaller still.</details>
#
# <details><summary>When may pooling come before the activation?</summary>Max-pooling with an activation that never
# falls.</details>
#
# <details><summary>What is a dead ReLU, and what kills it?</summary>A unit that is silent for every sample and so gets no
# gradient; a step that is too long.</details>
#
# **Homework:** [homework 2](homework/hw2_operators.ipynb) asks for a convolution and pooling of your own, and
# [homework 3](homework/hw3_activation_norm_dropout.ipynb) for activations, batch normalization and dropout.
#
# **Next:** [chapter 04](04_batchnorm_and_dropout.ipynb) normalizes what flows between layers, so that the scale of the weights matters less, and switches
# units off on purpose.
#
# ## References
#
# - J. Weng, N. Ahuja, T. S. Huang, *Cresceptron: a self-organizing neural network which grows adaptively*, IJCNN 1992:
#   max-pooling.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, 1998,
#   Proceedings of the IEEE 86.
# - S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München 1991: the vanishing
#   gradient.
# - X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010.
# - V. Nair, G. Hinton, *Rectified linear units improve restricted Boltzmann machines*, ICML 2010.
# - A. L. Maas, A. Y. Hannun, A. Y. Ng, *Rectifier nonlinearities improve neural network acoustic models*, ICML 2013.
# - K. He, X. Zhang, S. Ren, J. Sun, *Delving deep into rectifiers*, ICCV 2015.
# - D. Hendrycks, K. Gimpel, *Gaussian error linear units*, 2016.
# - P. Ramachandran, B. Zoph, Q. V. Le, *Searching for activation functions*, 2017.
# - G. Yang et al., *A mean field theory of batch normalization*, ICLR 2019.
# - D. Misra, *Mish: a self regularized non-monotonic activation function*, BMVC 2020.
