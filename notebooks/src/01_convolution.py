# %% [markdown]
# # Convolution (卷积)
#
# A few weights slide over a picture and answer one question at every place: does it look like me?

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("01_convolution", seed=1)

# %%
import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F

from course_utils import datasets, errata, explain, ops, plotting, timing
from course_utils.arithmetic import conv2d_cost, conv_output_size, pad_amounts, receptive_field
from course_utils.fingerprint import fingerprint

# %% [markdown]
# ## 1 Why not simply connect everything?
#
# A fully connected layer (全连接层) computes $y = W x + b$: every output has its own weight for every input.
# Let the input be a small grey picture of $32 \times 32$ pixels, and let us ask for one number for each place where
# a $3 \times 3$ window fits: $30 \times 30$ of them.
#
# **Predict first:** how many weights does $W$ need? And how many if every window is judged by the same nine weights?

# %%
inputs, outputs = 32 * 32, 30 * 30
print(f"fully connected: {inputs * outputs:,} weights, {outputs:,} biases")
print(f"one 3x3 kernel, used everywhere: {3 * 3} weights, 1 bias")

# %% [markdown]
# Two decisions lead from the first number to the second.
#
# - **Local connection** (局部连接): an output looks at a small window only, since neighbouring pixels belong together.
# - **Weight sharing** (权值共享): an edge is an edge wherever it lies, so all windows share the same weights.
#
# To see both, we write a convolution as what it replaces: a fully connected layer. Each row of $W$ below belongs to one
# output, each column to one input pixel, here for a $5 \times 5$ picture.


# %%
def as_matrix(w, size):
    """The fully connected W [outputs, inputs] that does the same as the kernel w [U, V] on [size, size]."""
    out = conv_output_size(size, w.shape[0])
    W = np.zeros((out, out, size, size))
    for i in range(out):
        for j in range(out):
            W[i, j, i : i + w.shape[0], j : j + w.shape[1]] = w
    return W.reshape(out * out, size * size)


w = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
W = as_matrix(w, size=5)
print(f"W has shape {W.shape}: {W.size} entries, {np.count_nonzero(W)} not zero, {len(np.unique(W)) - 1} different")

# %%
figure = plotting.image_grid([W], size=7, message="W: nine outputs (rows), 25 pixels (columns), nine weights")
plt.show()
print(fingerprint(figure))

# %% [markdown]
# White is large, black is zero. Each row holds the same nine shades, moved on by one pixel: what is black is local
# connection, what repeats is weight sharing. A convolution is a fully connected layer that has given up everything else.

# %%
x = np.arange(25.0).reshape(5, 5)
by_matrix = (W @ x.ravel()).reshape(3, 3)
by_kernel = ops.conv2d_two_loops(x[None, None], w[None, None])[0, 0]
assert np.array_equal(by_matrix, by_kernel)
print("W x and the sliding kernel agree:", by_kernel.ravel().tolist())

# %% [markdown]
# ## 2 What happens at one place?
#
# For a picture $x$ and a kernel (卷积核) $w$ with $U$ rows and $V$ columns, the output at row $i$ and column $j$ is
#
# $$y_{ij} = b + \sum_{u=0}^{U-1} \sum_{v=0}^{V-1} w_{uv} \, x_{i+u,\, j+v}$$
#
# Here $u$ and $v$ count the kernel's rows and columns, and $b$ is the bias (偏置), one number added everywhere.
# Shapes: $x$ is $[H, W]$, $w$ is $[U, V]$, $y$ is $[H - U + 1,\; W - V + 1]$.
#
# **Predict first:** the window below lies under a kernel that subtracts its left column from its right one. With
# $b = 1$, what is the output?

# %%
window = np.array([[1, 0, 2], [5, 4, 2], [3, 4, 5]])
kernel = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
products = kernel * window
print(products)
print("sum", products.sum(), "+ bias 1 =", products.sum() + 1)

# %% [markdown]
# That is one output. The rest is repetition: two loops that move the window.


# %%
def convolve(x, w, b=0.0):
    """y [H - U + 1, W - V + 1] from x [H, W] and w [U, V], as the equation says."""
    U, V = w.shape
    y = np.zeros((x.shape[0] - U + 1, x.shape[1] - V + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = (w * x[i : i + U, j : j + V]).sum() + b
    return y


x = np.array([[1, 0, 2, 1, 0], [5, 4, 2, 0, 1], [3, 4, 5, 2, 2], [0, 1, 3, 4, 1], [2, 2, 0, 1, 3]], dtype="float32")
y = convolve(x, kernel, b=1.0)
print(y)

# %%
native = F.conv2d(
    paddle.to_tensor(x).reshape([1, 1, 5, 5]),
    paddle.to_tensor(kernel, dtype="float32").reshape([1, 1, 3, 3]),
    paddle.ones([1]),
)
assert np.array_equal(native.numpy()[0, 0], y)
print("equal to paddle.nn.functional.conv2d")

# %% tags=["cover"]
figure = plotting.filmstrip(x.astype(int), kernel, steps=[0, 1, 4, 8], bias=1)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# The frame is the window; below it stands what has been computed so far. The same in motion:

# %% tags=["nbval-ignore-output"]
steps = [plotting.kernel_step(x.astype(int), kernel, step, bias=1) for step in range(y.size)]
plotting.animate(steps, alt="A 3x3 window moves over a 5x5 picture; each position adds one output")

# %%
assert len(steps) == y.size
print("one frame for each of the", y.size, "outputs")

# %% [markdown]
# ### A word about the name
#
# Mathematics flips the kernel before it slides: $\sum w_{uv}\, x_{i-u,\, j-v}$. That is convolution; what we computed,
# and what every deep-learning library computes, is called cross-correlation (互相关). Since the weights are learned,
# the flip would only store them in another order, so the field kept the short name and dropped the flip.

# %%
from scipy.signal import convolve2d, correlate2d

same_as_correlation = np.allclose(y - 1, correlate2d(x, kernel, mode="valid"))
same_as_convolution = np.allclose(y - 1, convolve2d(x, kernel, mode="valid"))
after_the_flip = np.allclose(y - 1, convolve2d(x, kernel[::-1, ::-1], mode="valid"))
assert same_as_correlation and not same_as_convolution and after_the_flip
print("ours is cross-correlation:", same_as_correlation)
print("ours is convolution:", same_as_convolution, "- after flipping the kernel:", after_the_flip)

# %% [markdown]
# ## 3 How large is the output?
#
# Four choices decide, along each axis by itself: the input's size $H$ and
#
# - the kernel's size $K$,
# - the stride (步长) $S$: by how many pixels the window moves on,
# - the padding (填充) $P$: how many zeros are put on each side first,
# - the dilation (空洞) $D$: how far apart the pixels are that the kernel reads.
#
# $$H' = \left\lfloor \frac{H + 2P - D\,(K-1) - 1}{S} \right\rfloor + 1$$
#
# $D(K-1) + 1$ is the span of the kernel; what is left of the input is divided into strides, and a rest that is too
# short for a stride is dropped: that is what the floor $\lfloor \cdot \rfloor$ does.

# %%
cases = [
    ("kernel 3", 3, 1, 0, 1),
    ("kernel 3, padding 1", 3, 1, 1, 1),
    ("kernel 3, stride 2", 3, 2, 0, 1),
    ("kernel 3, dilation 2", 3, 1, 0, 2),
    ("kernel 4, 'same' padding", 4, 1, "same", 1),
]
figure = plotting.window_rows(8, cases)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# Each line of dots is one output, the dots are the pixels that it reads, grey cells are padding. Padding 1 keeps the
# size with a kernel of 3; stride 2 halves it and leaves the last pixel unread; dilation 2 spans five pixels with three
# weights. In the last case the kernel is even, and the padding cannot be the same on both sides.
#
# Three sizes have names: *narrow* (no padding), *same* ($P = (K-1)/2$, size kept at stride 1) and *full* ($P = K - 1$,
# every overlap counts). **Predict first:** what does each give for 32 pixels and a kernel of 5?

# %%
K = 5
for name, P in (("narrow", 0), ("same", (K - 1) // 2), ("full", K - 1)):
    print(f"{name:>6}: padding {P}, output {conv_output_size(32, K, padding=P)}")

# %% [markdown]
# Other libraries name the padding instead of counting it. `"valid"` is none; `"same"` is as much as gives
# $\lceil H / S \rceil$, the odd pixel at the bottom and the right. With an even kernel only this asymmetric padding
# keeps the size: no single $P$ does.

# %%
print("100 pixels, kernel 10, valid:", conv_output_size(100, 10, padding="valid"))
print("same:", conv_output_size(100, 10, padding="same"), "with", pad_amounts(100, 10, padding="same")[0], "pixels")
print("with one P for both sides:", [conv_output_size(100, 10, padding=P) for P in (4, 5)])

# %%
picture, ten = paddle.ones([1, 1, 100, 100]), paddle.ones([1, 1, 10, 10])
for padding in ("VALID", "SAME", [[0, 0], [0, 0], [4, 5], [4, 5]]):
    print(f"Paddle, padding {padding}: {list(F.conv2d(picture, ten, padding=padding).shape)}")

# %% [markdown]
# A famous puzzle is only this: the first layer of AlexNet has kernel 11 and stride 4 and gives 55 from 224 pixels.
# Several paddings lead there, because the floor hides what is left over.

# %%
for P in range(4):
    print(f"padding {P} on each side: {conv_output_size(224, 11, stride=4, padding=P)}")
print("227 pixels, no padding:", conv_output_size(227, 11, stride=4))
print("224 pixels, 3 in total:", conv_output_size((224, 224), 11, stride=4, padding=((1, 2), (1, 2)))[0])

# %% [markdown]
# An impossible wish gets a sentence, not a guess:

# %%
try:
    conv_output_size(5, 7)
except ValueError as error:
    print(error)

# %% [markdown]
# ## 4 Several channels, several kernels: what does it cost?
#
# A colour picture has $D = 3$ channels (通道), so a kernel needs a slice for each: its depth is the number of input
# channels. One kernel still gives one output map; $P$ kernels give $P$ maps, each with one bias.
#
# $$y_{p,i,j} = b_p + \sum_{d=0}^{D-1} \sum_{u,v} w_{p,d,u,v}\; x_{d,\, iS+u,\, jS+v}$$
#
# Shapes for a batch of $N$: $x\,[N, D, H, W]$, $w\,[P, D, U, V]$, $b\,[P]$, $y\,[N, P, H', W']$. Parameters:
# $P \cdot D \cdot U \cdot V + P$. Each output value takes $DUV$ multiplications and one addition fewer, or as many with
# the bias.

# %%
x = np.stack([np.arange(9.0).reshape(3, 3), np.arange(1.0, 10).reshape(3, 3)])[None]  # [1, 2, 3, 3]
w = np.ones((3, 2, 2, 2))  # [P, D, U, V]
y = ops.conv2d_two_loops(x, w)
print("x", x.shape, "* w", w.shape, "-> y", y.shape)
print("first map:", y[0, 0].tolist())

# %% [markdown]
# The first value can be checked by hand: $0+1+3+4$ from the first channel and $1+2+4+5$ from the second. A kernel of
# $1 \times 1$ sounds useless and is not: it mixes channels at each pixel, a small fully connected layer over depth.

# %%
rng = np.random.default_rng(run.seed)
x = rng.standard_normal((1, 8, 4, 4))
w = rng.standard_normal((3, 8, 1, 1))
mixed = ops.conv2d_two_loops(x, w)[0]
per_pixel = w[:, :, 0, 0] @ x[0].reshape(8, 16)
assert np.allclose(mixed.reshape(3, 16), per_pixel)
print("1x1 convolution = one matrix", w.shape[:2], "applied at every pixel")

# %% [markdown]
# Now the bill. The course asks for one layer: 10 pictures of $3 \times 224 \times 224$, 64 kernels of $3 \times 3$,
# padding 1. **Predict first:** more or less than a hundred million multiplications?

# %%
shapes = (10, 3, 224, 224), (64, 3, 3, 3)
for bias in (False, True):
    cost = conv2d_cost(*shapes, padding=1, bias=bias)
    print(f"bias {bias!s:5}: {cost.multiplications:,} multiplications, {cost.additions:,} additions")
print(f"output {list(cost.output_shape)}, {cost.parameters:,} parameters; for one picture {cost.macs // 10:,}")

# %% [markdown]
# Formulas are easy to get wrong by a factor, so we let a small convolution count itself, one multiplication at a time.


# %%
def count_by_doing(N, D, H, W, P, U, V):
    """Walk through every product of a convolution without padding, and count."""
    multiplications = additions = 0
    for _ in range(N * P * (H - U + 1) * (W - V + 1)):  # every output value
        terms = len([(d, u, v) for d in range(D) for u in range(U) for v in range(V)])
        multiplications += terms
        additions += terms - 1 + 1  # terms - 1 between the products, 1 for the bias
    return multiplications, additions


formula = conv2d_cost((2, 3, 8, 7), (4, 3, 3, 2))
assert count_by_doing(2, 3, 8, 7, 4, 3, 2) == (formula.multiplications, formula.additions)
print(f"counted and computed: {formula.multiplications:,} multiplications, {formula.additions:,} additions")

# %% [markdown]
# Libraries count by other rules. We count a multiply-accumulate (MAC, 乘加) as one multiplication with the addition
# that follows it, and the bias not at all. `paddle.flops` adds one for each output's bias, so its number is larger.

# %%
net = paddle.nn.Sequential(paddle.nn.Conv2D(3, 6, 3))
ours = conv2d_cost((1, 3, 32, 32), (6, 3, 3, 3))
theirs = paddle.flops(net, [1, 3, 32, 32])
assert theirs == ours.macs + np.prod(ours.output_shape)
print(
    f"ours {ours.macs:,} MACs, paddle.flops {theirs:,}: one more for each of the {np.prod(ours.output_shape):,} outputs"
)

# %% [markdown]
# With `groups` the channels are split, and each kernel reads its own part only: fewer weights, fewer products. With as
# many groups as channels, each channel has its own kernel; chapter 07 builds small networks from that.

# %%
for groups in (1, 2, 8):
    cost = conv2d_cost((1, 8, 32, 32), (8, 8 // groups, 3, 3), padding=1, groups=groups)
    print(f"groups {groups}: {cost.parameters:4} parameters, {cost.macs:,} MACs")

# %% [markdown]
# ## 5 How much of the picture does one output see?
#
# One layer of $3 \times 3$ sees three pixels. In a second layer each of those has itself seen three, and so on: the
# receptive field (感受野) grows with depth. Going from the input on, with $r = j = 1$ at the start,
#
# $$r \leftarrow r + D\,(K - 1)\, j, \qquad j \leftarrow j\, S$$
#
# where $r$ is the field's size and $j$, the jump, how many input pixels lie between two neighbouring outputs.
#
# **Predict first:** how many layers of $3 \times 3$ does it take to see 31 pixels? And if every second layer has
# stride 2?

# %%
for depth in range(1, 16, 2):
    plain = receptive_field([(3, 1)] * depth)
    strided = receptive_field([(3, 1), (3, 2)] * (depth // 2) + [(3, 1)] * (depth % 2))
    print(f"{depth:2} layers: {plain.size:3} pixels with stride 1, {strided.size:4} with stride 2 in every second")

# %% [markdown]
# With stride 1 the field grows by two a layer, $2n + 1$; with strides it doubles and doubles again. That is why a deep
# output can judge a whole object although every layer looks at three pixels.
#
# The count says which pixels *can* matter. Which *do*? We measure it: the gradient of one central output with respect
# to each input pixel, averaged over random networks.


# %% tags=["nbval-ignore-output"]
def stack(depth):
    """`depth` random 3x3 layers with ReLU between them."""
    layers = []
    for index in range(depth):
        layers += [paddle.nn.Conv2D(8 if index else 1, 8, 3, padding=1), paddle.nn.ReLU()]
    return paddle.nn.Sequential(*layers[:-1])


repeats = run.pick(full=60, quick=10)
fields = {}
for depth in (2, 5, 10):
    field = explain.effective_receptive_field(lambda depth=depth: stack(depth), (1, 1, 33, 33), repeats)
    fields[f"{depth} layers"] = (field, receptive_field([(3, 1)] * depth).size)
plotting.field_maps(fields, "The rim of the counted field hardly matters")
plt.show()

# %%
for name, (field, size) in fields.items():
    edge, quarter = (33 - size) // 2, size // 4
    counted = field[edge : edge + size, edge : edge + size]
    middle = counted[size // 2 - quarter : size // 2 + quarter + 1, size // 2 - quarter : size // 2 + quarter + 1]
    assert np.isclose(counted.sum(), field.sum())
    assert middle.sum() / counted.sum() > 1.2 * middle.size / counted.size
    print(f"{name}: nothing outside the {size}x{size} counted pixels; their middle weighs more than its area's share")

# %% [markdown]
# The orange square is the counted field. The measured one is a blob that fills its middle: a central pixel reaches the
# output on many paths, a corner pixel on one (Luo et al. 2016).
#
# ## 6 How fast can the same sum be?
#
# One equation, seven programs. All take the same arguments and give the same output; they differ only in how much work
# one Python statement hands over. We start with a loop for everything that the equation indexes by place.
# (`rung` adds what all share: checks, zero padding, groups and bias.)

# %% tags=["library"]
from itertools import product

from course_utils.ops.convolution import reach_of, rung, windows_of


@rung
def conv2d_four_loops(x, w, stride, dilation, out):
    """Loop over output rows, output columns, kernel rows and kernel columns."""
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for i, j in product(range(out[0]), range(out[1])):
        for u, v in product(range(w.shape[2]), range(w.shape[3])):
            pixel = x[:, :, stride[0] * i + dilation[0] * u, stride[1] * j + dilation[1] * v]  # [N, D]
            y[:, :, i, j] += pixel @ w[:, :, u, v].T
    return y


# %% [markdown]
# Two of the loops can go in two ways. Either we keep the places and hand a whole window over ...


# %% tags=["library"]
@rung
def conv2d_two_loops(x, w, stride, dilation, out):
    """Loop over output rows and columns; one product of a window with all kernels inside."""
    reach = reach_of(w, dilation)
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for i, j in product(range(out[0]), range(out[1])):
        top, left = stride[0] * i, stride[1] * j
        window = x[:, :, top : top + reach[0] : dilation[0], left : left + reach[1] : dilation[1]]
        y[:, :, i, j] = np.tensordot(window, w, axes=((1, 2, 3), (1, 2, 3)))  # [N, P]
    return y


# %% [markdown]
# ... or we keep the kernel's few places and hand the whole picture over. For a $3 \times 3$ kernel that is nine passes,
# however large the picture is.


# %% tags=["library"]
@rung
def conv2d_shift_and_add(x, w, stride, dilation, out):
    """Loop over the kernel only: shift the whole picture, mix its channels by one matrix, add."""
    taps = np.ascontiguousarray(np.moveaxis(w, (2, 3), (0, 1)))  # [U, V, P, D]
    y = np.zeros((len(x), len(w), out[0] * out[1]), np.result_type(x, w))
    for u, v in product(range(w.shape[2]), range(w.shape[3])):
        rows = slice(dilation[0] * u, dilation[0] * u + stride[0] * (out[0] - 1) + 1, stride[0])
        columns = slice(dilation[1] * v, dilation[1] * v + stride[1] * (out[1] - 1) + 1, stride[1])
        y += taps[u, v] @ x[:, :, rows, columns].reshape(len(x), x.shape[1], -1)  # [P, D] @ [N, D, H' W']
    return y.reshape(len(x), len(w), *out)


# %% [markdown]
# Without any loop: NumPy can show all windows of an array without copying one, as a view, and a matrix product does the
# rest. Two versions: `einsum` finds the product itself; *im2col* copies every window into a column first. The second is
# how Paddle computes on a CPU, and `paddle.nn.functional.unfold` is its first half.


# %% tags=["library"]
@rung
def conv2d_einsum(x, w, stride, dilation, out):
    """No loop: a view of all windows, contracted by einsum, which hands the work to a matrix product."""
    return np.einsum("ndijuv,pduv->npij", windows_of(x, w, stride, dilation), w, optimize=True)


@rung
def conv2d_im2col(x, w, stride, dilation, out):
    """Copy every window into a column, then one matrix product (Chellapilla, Puri & Simard 2006)."""
    windows = windows_of(x, w, stride, dilation)  # [N, D, H', W', U, V]
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), -1, out[0] * out[1])  # [N, D U V, H' W']
    return (w.reshape(len(w), -1) @ columns).reshape(len(x), len(w), *out)


# %% [markdown]
# First the proof that all seven agree, here with stride 2, padding 1 and two groups; the difference is compared with the
# largest value, since float32 keeps about seven digits.


# %%
def call(name, x, w, **arguments):
    """Run a rung on arrays; the two Paddle rungs get tensors."""
    if name.startswith("paddle"):
        return ops.LADDER[name](paddle.to_tensor(x), paddle.to_tensor(w), **arguments).numpy()
    return ops.LADDER[name](x, w, **arguments)


x = rng.standard_normal((4, 6, 17, 15), dtype="float32")
w = rng.standard_normal((8, 3, 3, 3), dtype="float32")
results = {name: call(name, x, w, stride=2, padding=1, groups=2) for name in ops.LADDER}
for name, y in results.items():
    error = np.abs(y - results["paddle native"]).max() / np.abs(y).max()
    assert error < 1e-5
    print(f"{name:17} shape {list(y.shape)}, equal to Paddle within 1e-5: {error < 1e-5}")

# %% [markdown]
# **Predict first:** on a batch of 32 maps of $16 \times 32 \times 32$ and 32 kernels of $3 \times 3$, how many times as
# long as Paddle do the four loops take? Is any of our NumPy versions faster than Paddle?

# %% tags=["nbval-ignore-output"]
x = rng.standard_normal((32, 16, 32, 32), dtype="float32")
w = rng.standard_normal((32, 16, 3, 3), dtype="float32")
rungs = {name: lambda name=name: call(name, x, w, padding=1) for name in ops.LADDER}
with paddle.no_grad():
    ratios = timing.interleaved_ratios(rungs, reference="paddle native", repeats=run.pick(full=15, quick=3))
plotting.ratio_bars(ratios, "Fewer, larger steps: the same sum at very different speed", "paddle native")
plt.show()

# %%
assert ratios["four loops"] > ratios["shift and add"]
assert ratios["two loops"] > ratios["shift and add"]
print("loops over places are slower than a loop over the kernel")

# %% [markdown]
# The bars are measured on your machine, warmed up and in turns; compare them with your prediction. What counts is not
# the number of multiplications, which is the same for all, but how often Python is asked and how memory is walked.
#
# ## 7 What does a convolution not notice?
#
# Shift the picture and the output shifts with it: convolution is *equivariant* (等变) under translation. Written with
# $T$ for a shift: $w * (T x) = T (w * x)$. Is that so for a turn or a change of size as well? The study notes say that
# these nets are invariant to all three. We try, on a real photograph.

# %%
photo = datasets.photos("camera")[:, :, ::4, ::4] / 255.0  # [1, 1, 128, 128], grey values 0..1
edge = np.array([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])[None, None]


def respond(image):
    """The kernel's answer, on a circle so that no border gets in the way."""
    return ops.conv2d_shift_and_add(np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap"), edge)


changes = {
    "shift by 20": lambda image: np.roll(image, 20, axis=3),
    "turn by 90°": lambda image: np.rot90(image, axes=(2, 3)),
    "half the size": lambda image: (image[:, :, ::2, ::2] + image[:, :, 1::2, 1::2]) / 2,
}

# %%
pictures, titles = [], []
for name, change in changes.items():
    first, after = respond(change(photo))[0, 0], change(respond(photo))[0, 0]
    difference = np.abs(first - after).max() / np.abs(after).max()
    assert (difference < 1e-9) == (name == "shift by 20")
    print(f"{name}: changing before or after gives the same: {difference < 1e-9}")
    pictures += [first, after]
    titles += [f"{name}, then kernel", f"kernel, then {name}"]

# %%
figure = plotting.image_grid(
    pictures, titles, columns=2, signed=True, size=2.5, message="Only the shift may be done before or after"
)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# In the first row both pictures are the same. In the second they are not: the kernel looks for upright edges, and after
# a turn other edges stand upright. A net that shall know a turned digit must be shown turned digits. Equivariance is not
# invariance either: the answer moves with the picture; pooling, in chapter 03, makes it forget small moves.
#
# ## Recap

# %% tags=["nbval-ignore-output"]
best = min((name for name in ratios if not name.startswith("paddle")), key=ratios.get)
print(f"weights: {32 * 32 * 30 * 30:,} fully connected, 9 by one shared 3x3 kernel")
print(
    f"size: floor((H + 2P - D(K-1) - 1) / S) + 1, so 224 -> {conv_output_size(224, 3, stride=2, padding=1)} at stride 2"
)
print(f"cost of the course's layer: {conv2d_cost(*shapes, padding=1).multiplications:,} multiplications")
print(
    f"receptive field of ten 3x3 layers: {receptive_field([(3, 1)] * 10).size} pixels, most of its weight in the middle"
)
print(f"speed here: four loops {ratios['four loops']:.0f} times Paddle's time, '{best}' {ratios[best]:.2f} times")

# %%
assert best in ops.LADDER and all(ratio > 0 for ratio in ratios.values())

# %% [markdown]
# ## Where the course notes differ
#
# Each line was computed again by the functions above.

# %%
errata.table("01_convolution")

# %% [markdown]
# ## Try it
#
# 1. Give `convolve` a kernel of your own: one that answers to horizontal edges, one that blurs.
# 2. Find all pairs of stride and padding that take 32 pixels to 16 with a kernel of 4.
# 3. Change the ladder's picture to $128 \times 128$. Which rung loses most, and why?
# 4. In section 7, take a kernel that looks the same after a quarter turn. What do you expect now?
#
# <details><summary>Questions to check yourself (open for the answers)</summary>
# <p>Why are weights shared? <em>Because what is worth finding can lie anywhere, and a weight that learns at one place
# then serves at all.</em></p>
# <p>What does "same" do with an even kernel? <em>It pads one pixel more at the bottom and the right.</em></p>
# <p>Why does a kernel have the depth of its input? <em>Because every input channel is summed into each output
# map.</em></p>
# </details>
#
# **Next:** chapter 02 chooses the nine weights by thinking and finds edges.
#
# ## References
#
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel, *Understanding the effective receptive field in deep convolutional neural
#   networks*, NIPS 2016.
# - K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for document processing*, 2006.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, chapter 9, 2016.
