# %% [markdown]
# # Homework 1: counting (数一数)
#
# Six small functions that count: sizes, parameters, multiplications and additions. Chapter 01 has all that you need.
# Write a function's body in place of the line with `raise`, run the cell, run the check below it. The check calls your
# function with the example of the text and with other numbers; it says what was wrong, and you may try as often as
# you like. When your work is graded, the same checks run with yet other numbers.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
from course_utils.homework import Homework

hw = Homework("hw1")

# %% [markdown]
# ## Question 1: the size of the output (4 points)
#
# A convolution (卷积) with kernels of $K$ pixels, stride $S$ and $P$ pixels of padding on each side slides over $N$
# pixels. How many outputs are there along this axis? Whatever does not fit any more gives no output.
#
# The example: $N = 224$, $K = 3$, $S = 1$, $P = 1$ keeps the size.


# %% tags=["stub"]
def output_size(size, kernel_size, stride, padding):
    raise NotImplementedError


# %% tags=["solution"]
def output_size(size, kernel_size, stride, padding):
    return (size - kernel_size + 2 * padding) // stride + 1


# %%
hw.check("q1", output_size)

# %% [markdown]
# ## Question 2: parameters of a convolution (4 points)
#
# How many parameters has a layer of `out_channels` square kernels of $K \times K$ over `in_channels` input channels,
# with or without a bias (偏置)? The example: 3 channels in, 6 out, $K = 5$, with bias.


# %% tags=["stub"]
def conv_parameters(in_channels, out_channels, kernel_size, bias):
    raise NotImplementedError


# %% tags=["solution"]
def conv_parameters(in_channels, out_channels, kernel_size, bias):
    weights = out_channels * in_channels * kernel_size**2
    return weights + out_channels if bias else weights


# %%
hw.check("q2", conv_parameters)

# %% [markdown]
# ## Question 3: multiplications of a convolution (6 points)
#
# `x_shape` is the shape of the input, `(N, C, H, W)` for $N$ pictures of $C$ channels; `w_shape` is that of the kernels,
# `(D, C, K, K)`. How many multiplications take all outputs of all pictures? Count those with the zeros of the padding too.
#
# The example is the one of the lesson: 10 pictures of 3 x 224 x 224, 64 kernels of 3 x 3, stride 1, padding 1.


# %% tags=["stub"]
def conv_multiplications(x_shape, w_shape, stride, padding):
    raise NotImplementedError


# %% tags=["solution"]
def conv_multiplications(x_shape, w_shape, stride, padding):
    n, c, height, width = x_shape
    d, _, k, _ = w_shape
    outputs = n * d * output_size(height, k, stride, padding) * output_size(width, k, stride, padding)
    return outputs * c * k * k


# %%
hw.check("q3", conv_multiplications)

# %% [markdown]
# ## Question 4: additions of a convolution (6 points)
#
# The same layer: how many additions take all outputs of all pictures? To add up $n$ products takes $n - 1$ additions, and
# adding the bias is one more for each output. The example: one picture `(1, 1, 3, 3)`, one kernel `(1, 1, 3, 3)`, stride 1, no
# padding has a single output, of 8 additions without a bias and 9 with it.


# %% tags=["stub"]
def conv_additions(x_shape, w_shape, stride, padding, bias):
    raise NotImplementedError


# %% tags=["solution"]
def conv_additions(x_shape, w_shape, stride, padding, bias):
    n, c, height, width = x_shape
    d, _, k, _ = w_shape
    outputs = n * d * output_size(height, k, stride, padding) * output_size(width, k, stride, padding)
    return outputs * (c * k * k - 1 + bool(bias))


# %%
hw.check("q4", conv_additions)

# %% [markdown]
# ## Question 5: shapes of fully connected layers (4 points)
#
# `features` lists the widths of a net of fully connected layers (全连接层): `[50176, 64, 1]` goes from 50,176 features to
# 64, and from 64 to 1. Give the shapes of weight and bias of each layer in turn, as `paddle.nn.Linear` keeps them: one flat
# list of tuples, a layer's weight before its bias. Two layers give four tuples.


# %% tags=["stub"]
def linear_shapes(features):
    raise NotImplementedError


# %% tags=["solution"]
def linear_shapes(features):
    shapes = []
    for layer in range(len(features) - 1):
        inputs, outputs = features[layer], features[layer + 1]
        shapes += [(inputs, outputs), (outputs,)]
    return shapes


# %%
hw.check("q5", linear_shapes)

# %% [markdown]
# ## Question 6: the receptive field of a stack (6 points)
#
# `stack` lists layers as `(kernel_size, stride)`, from the input on; pooling counts as a layer. How many input pixels along
# one axis can one output of the last layer see, its receptive field (感受野)? Padding does not matter for it. The example: two
# layers of 3 with stride 1.


# %% tags=["stub"]
def receptive_field_size(stack):
    raise NotImplementedError


# %% tags=["solution"]
def receptive_field_size(stack):
    size, jump = 1, 1  # jump: input pixels between two neighbours of this layer's output
    for kernel_size, stride in stack:
        size += (kernel_size - 1) * jump
        jump *= stride
    return size


# %%
hw.check("q6", receptive_field_size)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# Why does a convolution need so many fewer weights than a fully connected layer of the same sizes? Three or four sentences.
# Use the numbers of a 32 x 32 picture of one channel and one 3 x 3 kernel.
#
# *Your answer:*

# %%
hw.progress()
