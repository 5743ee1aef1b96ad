# %% [markdown]
# # Homework 2: operators (算子)
#
# Convolution and pooling, written by you with NumPy. Chapters 01 and 03 have all that you need. The checks compare your
# functions with Paddle's operators, on arrays of other shapes than those of the text; use loops or not, as you like, but
# not Paddle's own operators.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
import numpy as np

from course_utils.homework import Homework

hw = Homework("hw2")

# %% [markdown]
# ## Question 1: one map, one kernel (4 points)
#
# Slide the kernel `w` over the map `x`, both with two axes, stride 1, no padding, and without flipping the kernel:
# $y_{ij} = \sum_{u, v} w_{uv} \, x_{i+u, j+v}$. The example: `x` holds 0 to 8 in three rows, `w` holds 0 to 3 in two.


# %% tags=["stub"]
def correlate(x, w):
    raise NotImplementedError


# %% tags=["solution"]
def correlate(x, w):
    height, width = x.shape[0] - w.shape[0] + 1, x.shape[1] - w.shape[1] + 1
    y = np.zeros((height, width))
    for u in range(w.shape[0]):
        for v in range(w.shape[1]):
            y += w[u, v] * x[u : u + height, v : v + width]
    return y


# %%
hw.check("q1", correlate)

# %% [markdown]
# ## Question 2: a convolution layer (8 points)
#
# The same for a batch of pictures with channels: `x` is `[N, C, H, W]`, the kernels `w` are `[D, C, K, K]`, the bias `b` is
# `[D]`. `padding` zeros are put on each side of both axes, and the kernel moves by `stride`. The result is `[N, D, H', W']`.


# %% tags=["stub"]
def conv2d(x, w, b, stride, padding):
    raise NotImplementedError


# %% tags=["solution"]
def conv2d(x, w, b, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    k = w.shape[2]
    height, width = (x.shape[2] - k) // stride + 1, (x.shape[3] - k) // stride + 1
    y = np.zeros((len(x), len(w), height, width))
    for i in range(height):
        for j in range(width):
            window = x[:, :, i * stride : i * stride + k, j * stride : j * stride + k]  # [N, C, K, K]
            y[:, :, i, j] = np.tensordot(window, w, axes=([1, 2, 3], [1, 2, 3])) + b
    return y


# %%
hw.check("q2", conv2d)

# %% [markdown]
# ## Question 3: max pooling (5 points)
#
# The largest value of each window of `kernel_size` times `kernel_size` pixels; the window moves by `stride`, there is no
# padding, and a window that would stick out gives no output. `x` is `[N, C, H, W]`, and so is the result.


# %% tags=["stub"]
def max_pool2d(x, kernel_size, stride):
    raise NotImplementedError


# %% tags=["solution"]
def max_pool2d(x, kernel_size, stride):
    height, width = (x.shape[2] - kernel_size) // stride + 1, (x.shape[3] - kernel_size) // stride + 1
    y = np.zeros((*x.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            y[:, :, i, j] = x[:, :, top : top + kernel_size, left : left + kernel_size].max(axis=(2, 3))
    return y


# %%
hw.check("q3", max_pool2d)

# %% [markdown]
# ## Question 4: average pooling (5 points)
#
# The same with the mean of each window.


# %% tags=["stub"]
def avg_pool2d(x, kernel_size, stride):
    raise NotImplementedError


# %% tags=["solution"]
def avg_pool2d(x, kernel_size, stride):
    height, width = (x.shape[2] - kernel_size) // stride + 1, (x.shape[3] - kernel_size) // stride + 1
    y = np.zeros((*x.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            y[:, :, i, j] = x[:, :, top : top + kernel_size, left : left + kernel_size].mean(axis=(2, 3))
    return y


# %%
hw.check("q4", avg_pool2d)

# %% [markdown]
# ## Question 5: patches as columns (6 points)
#
# A convolution becomes one product of matrices once its windows lie side by side as columns. Give them as `[N, C K K, L]`:
# $L$ windows, line by line from the top left; within a column channel by channel, then row by row. No padding.


# %% tags=["stub"]
def patches(x, kernel_size, stride):
    raise NotImplementedError


# %% tags=["solution"]
def patches(x, kernel_size, stride):
    height, width = (x.shape[2] - kernel_size) // stride + 1, (x.shape[3] - kernel_size) // stride + 1
    columns = []
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            columns.append(x[:, :, top : top + kernel_size, left : left + kernel_size].reshape(len(x), -1))
    return np.stack(columns, axis=2)


# %%
hw.check("q5", patches)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# A picture moves by one pixel to the right. What happens to the output of a convolution, and of a max pooling of 2 by 2
# with stride 2? Say what "equivariant" (等变) and "invariant" (不变) mean here, and what is neither.
#
# *Your answer:*

# %%
hw.progress()
