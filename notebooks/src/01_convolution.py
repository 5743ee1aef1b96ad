# %% [markdown]
# # Convolution (卷积)
#
# A few weights slide over a picture and give one number at every place. What that number says, how large the result
# is, what it costs, how far it sees, and how fast it can be had.

# %% [markdown]
# {card}

# %% tags=["nbval-ignore-output"]
from course_utils import settings

run = settings.setup("01_convolution", seed=1, threads=1)

# %%
import matplotlib.pyplot as plt
import numpy as np
import paddle
import paddle.nn.functional as F
from scipy.signal import convolve2d, correlate2d

from course_utils import demos, errata, onednn, ops, plotting, timing
from course_utils.arithmetic import conv2d_cost, conv_output_size, pad_amounts, receptive_field
from course_utils.demos.draw_digit import EXAMPLE
from course_utils.fingerprint import fingerprint

# %% [markdown]
# ## 1 Why not simply connect everything?
#
# A fully connected layer (全连接层) computes $y = A x + b$: every output has its own weight for every input, a row of the
# matrix $A$. Let the input be a grey picture of $32 \times 32$ pixels, and let us ask for one number for each place where
# a $3 \times 3$ window fits: $30 \times 30$ of them.
#
# **Predict first:** how many weights does $A$ have? How many are left if each output may look at its own window only? And
# how many if all windows are judged by the same nine weights?

# %%
inputs, outputs = 32 * 32, 30 * 30
print(f"everything connected:        {inputs * outputs:8,} weights")
print(f"each output its own window:  {outputs * 9:8,} weights")
print(f"one kernel for all windows:  {9:8,} weights")

# %% [markdown]
# The two steps have names.
#
# - **Local connection** (局部连接): an output looks at a small window, since neighbouring pixels belong together.
# - **Weight sharing** (权值共享): an edge is an edge wherever it lies, so all windows share the same weights.
#
# We can watch both. Below, a convolution is written as the matrix $A$ that it replaces, for a picture of $5 \times 5$: a
# row belongs to one output, a column to one pixel.


# %%
def as_matrix(w, size):
    """The matrix A [outputs, pixels] that does the same as the kernel w [U, V] on a picture [size, size]."""
    out = size - len(w) + 1
    A = np.zeros((out, out, size, size))
    for i in range(out):
        for j in range(out):
            A[i, j, i : i + len(w), j : j + len(w)] = w
    return A.reshape(out * out, size * size)


w = np.arange(1.0, 10).reshape(3, 3)
A = as_matrix(w, size=5)
plotting.image_grid([A], size=7, signed=True, message="A: nine outputs (rows), 25 pixels (columns), nine weights")
plt.show()
print(f"A has {A.size} entries; {np.count_nonzero(A)} are not zero, and those have {len(np.unique(A)) - 1} values")

# %% [markdown]
# White is zero: what is white is local connection. The same nine shades stand in every row, further to the right each
# time: that is weight sharing. And it is the same computation:

# %%
x = np.arange(25.0).reshape(5, 5)
by_matrix = (A @ x.ravel()).reshape(3, 3)
by_kernel = ops.conv2d_two_loops(x[None, None], w[None, None])[0, 0]  # section 6 shows how it works
assert np.array_equal(by_matrix, by_kernel)
print("A x and the sliding kernel agree:", by_kernel.ravel().tolist())

# %% [markdown]
# ## 2 What happens at one place?
#
# For a picture $x$ and a kernel (卷积核) $w$ with $U$ rows and $V$ columns, the output at row $i$ and column $j$ is
#
# $$y_{ij} = b + \sum_{u=0}^{U-1} \sum_{v=0}^{V-1} w_{uv} \, x_{i+u,\, j+v}$$
#
# where $u$ and $v$ count the kernel's rows and columns, and $b$ is the bias (偏置), one number that is added everywhere.
# Shapes: $x$ is $[H, W]$, $w$ is $[U, V]$, $y$ is $[H - U + 1,\; W - V + 1]$.
#
# The kernel below subtracts a window's left column from its right one. **Predict first:** with $b = 1$, what is the output
# for this window?

# %%
window = np.array([[1, 0, 2], [5, 4, 2], [3, 4, 5]])
kernel = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
products = kernel * window  # number by number
print(products)
print("sum", products.sum(), "+ bias 1 =", products.sum() + 1)

# %% [markdown]
# So a kernel asks a question. This one asks how much brighter the right side is than the left:

# %%
for name, window in {
    "flat": [[7, 7, 7], [7, 7, 7], [7, 7, 7]],
    "dark to bright": [[0, 5, 9], [0, 5, 9], [0, 5, 9]],
    "bright to dark": [[9, 5, 0], [9, 5, 0], [9, 5, 0]],
    "bright below": [[0, 0, 0], [5, 5, 5], [9, 9, 9]],
}.items():
    print(f"{name:15} {(kernel * np.array(window)).sum():4}")

# %% [markdown]
# The rest is repetition: two loops that move the window.


# %%
def convolve(x, w, b=0.0):
    """y [H - U + 1, W - V + 1] from x [H, W] and w [U, V], as the equation says."""
    U, V = w.shape
    y = np.zeros((x.shape[0] - U + 1, x.shape[1] - V + 1))
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = (w * x[i : i + U, j : j + V]).sum() + b
    return y


x = np.array([[1, 0, 2, 1, 0], [5, 4, 2, 0, 1], [3, 4, 5, 2, 2], [0, 1, 3, 4, 1], [2, 2, 0, 1, 3]])
y = convolve(x, kernel, b=1.0)
print(y)

# %% [markdown]
# Paddle does the same. It wants a batch of pictures with channels, both one here: shapes $[1, 1, H, W]$ and $[1, 1, U, V]$.

# %%
native = F.conv2d(
    paddle.to_tensor(x, dtype="float32").reshape([1, 1, 5, 5]),
    paddle.to_tensor(kernel, dtype="float32").reshape([1, 1, 3, 3]),
    bias=paddle.ones([1]),
).numpy()[0, 0]
assert np.array_equal(native, y)
print("equal to paddle.nn.functional.conv2d:", native.tolist())

# %% tags=["cover"]
figure = plotting.filmstrip(x, kernel, steps=[0, 1, 4, 8], bias=1)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# The frame is the window; below it stands what has been computed so far. The same in motion:

# %% tags=["nbval-ignore-output"]
steps = [plotting.kernel_step(x, kernel, step, bias=1) for step in range(y.size)]
plotting.animate(steps, alt="A 3x3 window moves over a 5x5 picture; each position adds one output")

# %% [markdown]
# **A word about the name.** Mathematics turns the kernel upside down and left to right before it slides:
# $\sum w_{uv}\, x_{i-u,\, j-v}$. That is convolution; what we computed, and what deep-learning libraries compute, is called
# cross-correlation (互相关). The weights will be learned, so the flip would only store them in another order, and the
# field kept the short name and dropped the flip.

# %%
assert len(steps) == y.size
lopsided = np.array([[0, 1, 2], [2, 2, 0], [0, 0, 1]])
ours = convolve(x, lopsided)
print("ours is cross-correlation:", np.allclose(ours, correlate2d(x, lopsided, mode="valid")))
print("ours is convolution:", np.allclose(ours, convolve2d(x, lopsided, mode="valid")))
print("convolution with the flipped kernel:", np.allclose(ours, convolve2d(x, lopsided[::-1, ::-1], mode="valid")))

# %% [markdown]
# What does a kernel ask of a photograph? **Move it yourself:** press one of the kernels, then change one of its weights,
# and see what answers.

# %% tags=["demo", "nbval-ignore-output"]
demos.show("kernel_editor")

# %% [markdown]
# ## 3 How large is the output?
#
# The output size $H'$ follows from the input size $H$ and four choices, separately for rows and columns:
#
# - the kernel's size $K$,
# - the stride (步长) $S$: by how many pixels the window moves on,
# - the padding (填充) $p$: how many zeros are put on each side first,
# - the dilation (空洞) $e$: how far apart the pixels are that the kernel reads.
#
# $$H' = \left\lfloor \frac{H + 2p - e\,(K-1) - 1}{S} \right\rfloor + 1$$
#
# The kernel spans $e(K-1) + 1$ pixels. The rest of the padded input is divided into strides, and a last stride that does
# not fit is dropped: $\lfloor \cdot \rfloor$ rounds down.

# %%
cases = [
    ("kernel 3", 3, 1, 0, 1),
    ("kernel 3, padding 1", 3, 1, 1, 1),
    ("kernel 3, stride 2", 3, 2, 0, 1),
    ("kernel 3, dilation 2", 3, 1, 0, 2),
    ("kernel 4, padding 'same'", 4, 1, "same", 1),
]
plotting.window_rows(8, cases)
plt.show()

# %% [markdown]
# Each line is one output, its dots are the pixels that it reads, grey cells are padding. With a kernel of 3, padding 1
# keeps the size. Stride 2 takes every second place, and the last pixel stays unread. Dilation 2 spans five pixels with
# three weights. The last kernel is even, so its padding cannot be the same on both sides. **Move it yourself:** step by
# step, with a stride and a padding of your own:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("convolution_stepper")

# %% [markdown]
# At stride 1 and dilation 1, three sizes have names: *narrow* ($p = 0$), *same* ($p = (K-1)/2$, the size is kept) and
# *full* ($p = K - 1$, every overlap counts). **Predict first:** what does each make of 32 pixels with a kernel of 5?

# %%
K = 5
for name, p in (("narrow", 0), ("same", (K - 1) // 2), ("full", K - 1)):
    print(f"{name:>6}: padding {p}, output {conv_output_size(32, K, padding=p)}")

# %% [markdown]
# Some libraries, and Paddle too, take a name for the padding. `"valid"` adds none. `"same"` adds just enough zeros for
# $\lceil H / S \rceil$ outputs ($H / S$ rounded up); if their number is odd, the extra one goes to the bottom and the
# right. So it keeps the size (at stride 1) with an even kernel as well, where no single $p$ can:

# %%
picture, ten = paddle.ones([1, 1, 100, 100]), paddle.ones([1, 1, 10, 10])
print("100 pixels, kernel 10, padding 4 or 5:", [conv_output_size(100, 10, padding=p) for p in (4, 5)])
print(
    "valid:",
    conv_output_size(100, 10, padding="valid"),
    "and Paddle:",
    F.conv2d(picture, ten, padding="VALID").shape[2],
)
print(
    "same: ", conv_output_size(100, 10, padding="same"), "and Paddle:", F.conv2d(picture, ten, padding="SAME").shape[2]
)
print("same adds (before, after):", pad_amounts(100, 10, padding="same")[0])

# %% [markdown]
# A well-known puzzle: AlexNet's first layer has a kernel of 11 and stride 4, and its paper reports 55 outputs from 224
# pixels. Which padding was used? Several lead there, since rounding down hides what is left over.

# %%
for p in range(4):
    print(f"224 pixels, padding {p} on each side: {conv_output_size(224, 11, stride=4, padding=p)}")
print("224 pixels, 1 before and 2 after:", conv_output_size((224, 224), 11, stride=4, padding=((1, 2), (1, 2)))[0])
print("227 pixels, no padding:", conv_output_size(227, 11, stride=4))
try:
    conv_output_size(5, 7)
except ValueError as error:
    print("5 pixels, kernel 7:", error)

# %% [markdown]
# ## 4 Several channels, several kernels: what does it cost?
#
# A colour picture has $D = 3$ channels (通道), so a kernel needs a slice for each: its depth is the number of input
# channels, and their sums are added. One kernel gives one output map; $P$ kernels give $P$ maps, each with its own bias.
#
# $$y_{p,i,j} = b_p + \sum_{d=0}^{D-1} \sum_{u,v} w_{p,d,u,v}\; x_{d,\; iS+eu,\; jS+ev}$$
#
# where $p$ now counts kernels. Shapes for a batch of $N$ pictures: $x\,[N, D, H, W]$, $w\,[P, D, U, V]$, $b\,[P]$,
# $y\,[N, P, H', W']$. Parameters: $P \cdot D \cdot U \cdot V + P$.

# %%
x = np.stack([np.arange(9.0).reshape(3, 3), np.arange(1.0, 10).reshape(3, 3)])[None]  # [1, 2, 3, 3]
w = np.ones((3, 2, 2, 2))  # [P, D, U, V]
y = ops.conv2d_two_loops(x, w)
print("x", x.shape, "and w", w.shape, "make y", y.shape, "; its first map:", y[0, 0].tolist())

# %% [markdown]
# The first value can be checked by hand: $0+1+3+4$ from the first channel and $1+2+4+5$ from the second. A kernel of
# $1 \times 1$ sounds useless and is not. It mixes the channels at each pixel: a small fully connected layer, over depth.

# %%
rng = np.random.default_rng(run.seed)
x, w = rng.standard_normal((1, 8, 4, 4)), rng.standard_normal((3, 8, 1, 1))
per_pixel = w[:, :, 0, 0] @ x[0].reshape(8, 16)  # [3, 8] times [8, 16 pixels]
print(
    "1x1 convolution = one matrix at every pixel:", np.allclose(ops.conv2d_two_loops(x, w).ravel(), per_pixel.ravel())
)

# %% [markdown]
# Now the bill. An output value takes $DUV$ multiplications and $DUV - 1$ additions, or $DUV$ with a bias. Formulas are
# easy to get wrong by a factor, so first a convolution in plain numbers that counts what it does:


# %%
def convolve_and_count(x, w, b):
    """y [N, P, H', W'], and the multiplications and additions that it took, one by one."""
    N, P, out = len(x), len(w), [x.shape[k] - w.shape[k] + 1 for k in (2, 3)]
    y, multiplications, additions = np.zeros((N, P, *out)), 0, 0
    for n, p, i, j in np.ndindex(*y.shape):
        total = None
        for d, u, v in np.ndindex(*w.shape[1:]):
            product, multiplications = w[p, d, u, v] * x[n, d, i + u, j + v], multiplications + 1
            if total is None:
                total = product
            else:
                total, additions = total + product, additions + 1
        y[n, p, i, j], additions = total + b[p], additions + 1
    return y, multiplications, additions


x, w, b = rng.standard_normal((2, 3, 6, 5)), rng.standard_normal((4, 3, 3, 2)), rng.standard_normal(4)
y, multiplications, additions = convolve_and_count(x, w, b)
cost = conv2d_cost(x.shape, w.shape)
assert np.allclose(y, ops.conv2d_two_loops(x, w, b))
assert (multiplications, additions) == (cost.multiplications, cost.additions)
print(f"counted and by formula: {multiplications:,} multiplications, {additions:,} additions")

# %% [markdown]
# The course asks for one layer: 10 pictures of $3 \times 224 \times 224$, 64 kernels of $3 \times 3$, padding 1.
# **Predict first:** more or less than a hundred million multiplications?

# %%
shapes = (10, 3, 224, 224), (64, 3, 3, 3)
for bias in (False, True):
    cost = conv2d_cost(*shapes, padding=1, bias=bias)
    print(f"{'with' if bias else 'no':4} bias: {cost.multiplications:,} multiplications, {cost.additions:,} additions")
print(f"output {list(cost.output_shape)}, {cost.parameters:,} parameters")
print(f"one picture alone: {conv2d_cost((1, 3, 224, 224), (64, 3, 3, 3), padding=1).multiplications:,} multiplications")

# %% [markdown]
# Libraries count by other rules. We count a multiply-accumulate (MAC, 乘加) as one multiplication with the addition that
# follows it, and the bias not at all. `paddle.flops` adds one for each output's bias, so its number is larger.

# %%
ours = conv2d_cost((1, 3, 32, 32), (6, 3, 3, 3))
theirs = paddle.flops(paddle.nn.Sequential(paddle.nn.Conv2D(3, 6, 3)), [1, 3, 32, 32])
values = int(np.prod(ours.output_shape))
assert theirs == ours.macs + values
print(f"ours: {ours.macs:,} MACs; paddle.flops: {theirs:,}, one more for each of the {values:,} outputs")

# %% [markdown]
# With `groups` the channels are split and each kernel reads its own part only: fewer weights, fewer products. With as
# many groups as channels each channel has a kernel of its own; chapter 07 builds small networks from that.

# %%
for groups in (1, 2, 8):
    cost = conv2d_cost((1, 8, 32, 32), (8, 8 // groups, 3, 3), padding=1, groups=groups)
    print(f"8 channels to 8, groups {groups}: {cost.parameters:4} parameters, {cost.macs:8,} MACs")

# %% [markdown]
# ## 5 How much of the picture does one output see?
#
# Along one axis, an output of one layer with a kernel of 3 sees three pixels. An output of a second layer sees three
# outputs of the first, and their windows overlap:

# %%
first = [set(range(output, output + 3)) for output in range(3)]
print("three neighbours of layer 1 see:", first)
print("one output of layer 2 sees:     ", set.union(*first))

# %% [markdown]
# Five pixels, not nine. The receptive field (感受野) is what an output sees, and its size $R$ grows with each layer by
# $e\,(K - 1)$ steps of $J$ pixels. The jump $J$ is how many input pixels further on the next output looks. From $R = J = 1$
# at the input, layer after layer:
#
# $$R \leftarrow R + e\,(K - 1)\, J, \qquad \text{then} \quad J \leftarrow J \cdot S$$
#
# **Predict first:** how many layers of kernel 3 does it take to see 31 pixels? And if every second layer has stride 2?

# %%
print("layers     stride 1     stride 2 in every second")
for depth in range(1, 16):
    plain = receptive_field([(3, 1)] * depth).size
    strided = receptive_field([(3, 1), (3, 2)] * (depth // 2) + [(3, 1)] * (depth % 2)).size
    print(f"{depth:6} {plain:12} {strided:12,}")

# %% [markdown]
# With stride 1 the field grows by two pixels a layer; with strides, faster and faster. So a deep output can judge a whole
# object although every layer looks at three pixels. **Move it yourself:** add layers, strides and dilation, and follow the
# cone from one output to the pixels that it sees:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("receptive_field")

# %% [markdown]
# The count says which pixels *can* matter. How much *does* each? Change one input pixel a little and see how much the
# output in the middle moves: that ratio is its slope, the gradient (梯度), and Paddle gives it for all pixels at once. We
# average its size over several networks with random weights.


# %% tags=["library"]
def effective_receptive_field(make_net, input_shape, repeats=20):
    """How strongly each input pixel moves the centre of the output, 1 for the strongest (Luo et al. 2016)."""
    total = np.zeros(tuple(input_shape[2:]))
    for _ in range(repeats):
        x = paddle.randn(list(input_shape))
        x.stop_gradient = False
        y = make_net()(x)
        if y.ndim != 4:
            raise ValueError(f"the net must end in feature maps [N, P, H', W'], not {list(y.shape)}")
        (gradient,) = paddle.grad(y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum(), x)
        total += np.abs(gradient.numpy()[0]).mean(axis=0)
    return total / total.max()


# %% tags=["nbval-ignore-output"]
def stack(depth):
    """`depth` random 3x3 layers of 8 channels; between them ReLU, which sets negative values to 0 (chapter 03)."""
    layers = []
    for index in range(depth):
        layers += [paddle.nn.Conv2D(8 if index else 1, 8, 3, padding=1), paddle.nn.ReLU()]
    return paddle.nn.Sequential(*layers[:-1])


fields = {}
for depth in (2, 5, 10):
    repeats = run.pick(full=60, quick=10)  # full: for you; quick: what our tests run
    field = effective_receptive_field(lambda depth=depth: stack(depth), (1, 1, 33, 33), repeats)
    fields[f"{depth} layers"] = (field, receptive_field([(3, 1)] * depth).size)
plotting.field_maps(fields, "The deeper the stack, the less the rim of its field matters")
plt.show()

# %% tags=["nbval-ignore-output"]
rims = {}
for name, (field, size) in fields.items():
    start = (33 - size) // 2
    inside = field[start + 1 : start + size - 1, start + 1 : start + size - 1].sum()
    counted = field[start : start + size, start : start + size].sum()
    rims[name] = 1 - inside / counted
    assert np.isclose(field.sum(), counted)  # nothing beyond the counted square
    print(f"{name}: the outermost ring of the {size}x{size} pixels holds {100 * rims[name]:.1f} % of the influence")

# %%
assert rims["10 layers"] < rims["5 layers"] < rims["2 layers"]
print("nothing beyond the counted square matters, and its rim matters less with each depth tried")

# %% [markdown]
# The orange square is the counted field. What is measured inside it is a blob: from a pixel in the middle many routes lead
# through the layers to the output, from a corner pixel only one (Luo et al. 2016).
#
# ## 6 How fast can the same sum be?
#
# One equation, eight programs. They differ in how much work one Python statement hands over. The first has a loop for
# every place of the output and of the kernel; batch and channels are left to a matrix product `@`.
#
# The names: `x` is padded already, `out` is the output size $(H', W')$, `stride` and `dilation` are pairs for rows and
# columns. `@rung` around each function adds what all share: checks, zero padding, groups and bias.

# %% tags=["library"]
from itertools import product

from course_utils.ops.convolution import rung


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
# We can remove two of the loops in two ways. Either we keep the places and hand a whole window over; `tensordot` multiplies
# and sums over the axes that we name, here channels, rows and columns ...


# %% tags=["library"]
def reach_of(w, dilation):
    """Pixels that a dilated kernel spans."""
    return dilation[0] * (w.shape[2] - 1) + 1, dilation[1] * (w.shape[3] - 1) + 1


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
# ... or we keep the kernel's few places and hand the whole picture over: shift it, multiply, add. For a $3 \times 3$
# kernel that is nine passes a picture, however large it is. In memory a picture is one long line, row after row, so a
# shift is only another place to start reading. (A few sums that straddle two rows are computed too and left out at the
# end; so are the places that the stride skips.)


# %% tags=["library"]
@rung
def conv2d_shift_and_add(x, w, stride, dilation, out):
    """Loop over pictures and kernel: shift a whole picture, mix its channels by one matrix, add."""
    N, D, H, W = x.shape
    after = dilation[1] * (w.shape[3] - 1)  # zeros for the window that runs over the end
    line = np.pad(x.reshape(N, D, H * W), ((0, 0), (0, 0), (0, after)))  # a shift by u rows, v columns is one offset
    taps = np.ascontiguousarray(np.moveaxis(w, (2, 3), (0, 1)))  # [U, V, P, D]
    rows, columns = stride[0] * (out[0] - 1) + 1, stride[1] * (out[1] - 1) + 1
    y = np.zeros((N, len(w), rows * W), np.result_type(x, w))
    for n, u, v in product(range(N), range(w.shape[2]), range(w.shape[3])):  # one picture at a time fits in the cache
        offset = dilation[0] * u * W + dilation[1] * v
        y[n] += taps[u, v] @ line[n, :, offset : offset + rows * W]  # [P, D] @ [D, rows W]
    return y.reshape(N, len(w), rows, W)[:, :, :: stride[0], : columns : stride[1]]


# %% [markdown]
# And without any loop? NumPy can show all windows of an array at once without copying a number: a view with two more
# axes. `einsum` then multiplies and sums by letters, one for each axis: those that are missing to the right of the arrow
# are summed. *im2col* copies every window into a column instead, and what remains is one large matrix product.

# %% tags=["library"]
from numpy.lib.stride_tricks import sliding_window_view


def windows_of(x, w, stride, dilation):
    """A view, no copy, of every window: [N, D, H', W', U, V]."""
    windows = sliding_window_view(x, reach_of(w, dilation), axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


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
# The sixth program is im2col again, with `paddle.nn.functional.unfold` for the columns, and the seventh is Paddle's own
# `conv2d`. These seven stand in `course_utils.ops`, in the dictionary `ops.LADDER`; a test holds that the cells above are
# the same.
#
# The eighth, `onednn.conv2d`, computes without columns. oneDNN is a library that comes with Paddle for another purpose,
# and `course_utils.onednn` calls it. It reads every window where it lies, so nothing is written out nine times. And it
# first reorders the picture so that 16 channels of a pixel lie side by side, as many as a vector register of a modern
# processor holds: one instruction then multiplies and adds all 16 (Georganas et al. 2018). Where oneDNN is of no use, it
# hands the call to Paddle. Our `Trainer` (chapter 06) uses it on CPU.
#
# First a check that all agree, with stride 2, padding 1, dilation 2 and two groups. Differences are compared with the
# largest value, since float32 keeps about seven digits.

# %%
programs = {**ops.LADDER, "oneDNN": onednn.conv2d}
ON_TENSORS = ("paddle unfold", "paddle native", "oneDNN")


def compute(name, x, w, **arguments):
    """Run a program on arrays; some take tensors."""
    if name in ON_TENSORS:
        return programs[name](paddle.to_tensor(x), paddle.to_tensor(w), **arguments).numpy()
    return programs[name](x, w, **arguments)


x = rng.standard_normal((4, 6, 17, 15), dtype="float32")
w = rng.standard_normal((8, 3, 3, 3), dtype="float32")
results = {name: compute(name, x, w, stride=2, padding=1, dilation=2, groups=2) for name in programs}
native = results.pop("paddle native")
for name, y in results.items():
    error = np.abs(y - native).max() / np.abs(native).max()
    assert error < 1e-5
    print(f"{name:17} {list(y.shape)}, equal to Paddle's own within 1e-5: {error < 1e-5}")

# %% [markdown]
# **Predict first:** for a batch of 32, each with 16 channels of $32 \times 32$, and 32 kernels of $3 \times 3$: how many
# times as long as Paddle do the four loops take? Is any of our NumPy programs faster than Paddle?

# %% tags=["nbval-ignore-output"]
x = rng.standard_normal((32, 16, 32, 32), dtype="float32")
w = rng.standard_normal((32, 16, 3, 3), dtype="float32")
tensors = paddle.to_tensor(x), paddle.to_tensor(w)
calls = {
    name: lambda name=name: programs[name](*(tensors if name in ON_TENSORS else (x, w)), padding=1) for name in programs
}
with paddle.no_grad():
    ratios = timing.interleaved_ratios(calls, reference="paddle native", repeats=run.pick(full=25, quick=3))
plotting.ratio_bars(ratios, "The same sum at very different speed", "paddle native")
plt.show()
print(onednn.availability().sentence)

# %%
assert ratios["four loops"] > ratios["shift and add"]
print("statements that Python runs for one call, in the innermost loop:")
for name, count in {
    "four loops": 32 * 32 * 3 * 3,
    "two loops": 32 * 32,
    "shift and add": 32 * 3 * 3,
    "im2col": 1,
}.items():
    print(f"{name:14} {count:6,}")

# %% [markdown]
# The bars were measured on your machine, in turns, after a warm-up. All programs do nearly the same multiplications. The first
# two lose their time between them, asking Python thousands of times; the others leave nearly everything to a matrix
# product, and there the machine decides: run the cell again and see which differences stay. **Move it yourself:** give the
# programs larger pictures and more channels, and see whether the order stays:

# %% tags=["demo", "nbval-ignore-output"]
demos.show("speed_race")

# %% [markdown]
# ## 7 What does a convolution not notice?
#
# Shift the picture and the output shifts with it: a convolution is *equivariant* (等变) to shifts. With $T$ for the shift
# and $C$ for the convolution, $C(T x) = T(C x)$: first shift or first convolve, it is the same. The book says that these
# nets have some invariance to shift, scale and rotation. We try all three, on a drawn digit.

# %%
digit = np.pad(EXAMPLE / 255, 18)[None, None]  # [1, 1, 64, 64], black around it
changes = {
    "shift": lambda image: np.roll(image, (8, 12), axis=(2, 3)),
    "quarter turn": lambda image: np.rot90(image, axes=(2, 3)),
    "half size": lambda image: np.pad(
        ops.avg_pool2d(paddle.to_tensor(image), 2).numpy(), ((0, 0), (0, 0), (16, 16), (16, 16))
    ),
}


def C(image):
    """The kernel of section 2 on every place, same size."""
    return ops.conv2d_shift_and_add(image, kernel[None, None], padding=1)


pictures, titles = [], []
for name, T in changes.items():
    before, after = C(T(digit)), T(C(digit))
    same = np.abs(before - after).max() < 1e-9 * np.abs(after).max()
    assert same == (name == "shift")
    print(f"{name}: C(T x) equals T(C x): {same}")
    pictures += [2 * T(digit)[0, 0], before[0, 0], after[0, 0]]
    titles += [f"{name}: T x", "C(T x)", "T(C x)"]

# %%
figure = plotting.image_grid(
    pictures, titles, columns=3, signed=True, size=2.1, message="Only the shift may come before or after"
)
plt.show()
print(fingerprint(figure))

# %% [markdown]
# In the first row the two outputs are the same picture. In the second they are not: the kernel answers to upright edges,
# and after a quarter turn other edges stand upright. In the third, the halved digit has other edges than the halved
# answer. A net that is to recognise turned digits has to be shown some. And equivariance is not invariance: the answer
# moves with the picture; pooling, in chapter 03, lets it forget small moves.
#
# ## Recap

# %% tags=["nbval-ignore-output"]
fastest = min((name for name in ratios if name not in ON_TENSORS), key=ratios.get)
print(f"weights: {32 * 32 * 30 * 30:,} with everything connected, {30 * 30 * 9:,} with windows, 9 shared")
print(f"size: floor((H + 2p - e(K-1) - 1) / S) + 1; 224 at stride 2: {conv_output_size(224, 3, stride=2, padding=1)}")
print(f"cost of the course's layer: {conv2d_cost(*shapes, padding=1).multiplications:,} multiplications")
print(
    f"receptive field of ten layers: {receptive_field([(3, 1)] * 10).size} pixels; {100 * rims['10 layers']:.1f} % at its rim"
)
print(
    f"speed here: four loops {ratios['four loops']:.0f} times Paddle's time, our best ({fastest}) {ratios[fastest]:.2f} times"
)

# %% [markdown]
# ## Where the course notes differ
#
# What the notes and the book say, computed again. Some lines are right and stand here because they are easily doubted.

# %%
assert fastest not in ("four loops", "two loops")
errata.table("01_convolution")

# %% [markdown]
# ## Try it
#
# 1. Give `convolve` a kernel of your own: one that answers to horizontal edges, one that blurs.
# 2. Find all pairs of stride and padding (smaller than the kernel) that take 32 pixels to 16 with a kernel of 4.
# 3. Change the ladder's picture to $128 \times 128$. Which bars grow, and why?
# 4. In section 7, take a kernel that looks the same after a quarter turn. What do you expect now?
#
# To check yourself; each question opens to its answer.
#
# <details><summary>Why are weights shared?</summary>Because what is worth finding can lie anywhere, and a weight that
# learns at one place then serves at all.</details>
#
# <details><summary>What does "same" do with an even kernel?</summary>It pads one pixel more at the bottom and the
# right than at the top and the left.</details>
#
# <details><summary>Why does a kernel have the depth of its input?</summary>Because every input channel is summed into
# each output map.</details>
#
# <details><summary>Why is the receptive field of two layers five pixels, not nine?</summary>Because the windows of
# neighbours overlap.</details>
#
# **Next:** [chapter 02](02_edge_detection.ipynb) chooses the nine weights by thinking and finds edges.
#
# **Homework:** [homework 1](homework/hw1_counting.ipynb) and [homework 2](homework/hw2_operators.ipynb).
#
# ## References
#
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel, *Understanding the effective receptive field in deep convolutional neural
#   networks*, NIPS 2016.
# - K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for document processing*, 2006.
# - E. Georganas et al., *Anatomy of high-performance deep learning convolutions on SIMD architectures*, SC 2018.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning*, chapter 9, 2016.
