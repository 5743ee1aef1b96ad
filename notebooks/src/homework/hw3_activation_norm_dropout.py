# %% [markdown]
# # Homework 3: activation, normalization, dropout (激活函数, 归一化, 丢弃法)
#
# What stands between the convolutions. Chapters 03 and 04 have all that you need. Write with NumPy; the checks compare
# with what Paddle does.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
import numpy as np

from course_utils.homework import Homework

hw = Homework("hw3")

# %% [markdown]
# ## Question 1: the slope of the sigmoid (4 points)
#
# The derivative of $\sigma(x) = 1 / (1 + e^{-x})$ for every value of an array, also where `x` is as large as 800. A warning
# about an overflow is no mistake here, a `nan` is.


# %% tags=["stub"]
def sigmoid_gradient(x):
    raise NotImplementedError


# %% tags=["solution"]
def sigmoid_gradient(x):
    with np.errstate(over="ignore"):
        s = 1 / (1 + np.exp(-x))
    return s * (1 - s)


# %%
hw.check("q1", sigmoid_gradient)

# %% [markdown]
# ## Question 2: leaky ReLU (3 points)
#
# $x$ where it is positive, and `slope` times $x$ elsewhere. The example: -2, 0 and 3 with slope 0.1.


# %% tags=["stub"]
def leaky_relu(x, slope):
    raise NotImplementedError


# %% tags=["solution"]
def leaky_relu(x, slope):
    return np.where(x > 0, x, slope * x)


# %%
hw.check("q2", leaky_relu)

# %% [markdown]
# ## Question 3: why gradients vanish (4 points)
#
# A gradient goes back through `layers` layers, each a multiplication by weights and a sigmoid. The weights of each layer
# scale it by `gain`. What is the largest factor by which all layers together can scale it? That is where the vanishing
# gradient (梯度消失) comes from.


# %% tags=["stub"]
def largest_gradient(layers, gain):
    raise NotImplementedError


# %% tags=["solution"]
def largest_gradient(layers, gain):
    steepest = 0.25  # slope of the sigmoid at 0
    return (gain * steepest) ** layers


# %%
hw.check("q3", largest_gradient)

# %% [markdown]
# ## Question 4: batch normalization of feature maps (7 points)
#
# `x` is `[N, C, H, W]` in training; `gamma` and `beta` are `[C]`. Take mean and variance as batch normalization (批归一化) does
# for images, normalize with $\sqrt{\text{variance} + \epsilon}$, then scale and shift.


# %% tags=["stub"]
def batch_norm(x, gamma, beta, epsilon):
    raise NotImplementedError


# %% tags=["solution"]
def batch_norm(x, gamma, beta, epsilon):
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
    normalized = (x - mean) / np.sqrt(variance + epsilon)
    return gamma.reshape(1, -1, 1, 1) * normalized + beta.reshape(1, -1, 1, 1)


# %%
hw.check("q4", batch_norm)

# %% [markdown]
# ## Question 5: running statistics (6 points)
#
# What does a `paddle.nn.BatchNorm1D` remember of one feature? `batches` is a list of arrays `[N]`. Start from mean 0 and
# variance 1, and give running mean and running variance after the last batch, with Paddle's meaning of `momentum`.
#
# The example: one batch of 1, 3 and 5, momentum 0.9.


# %% tags=["stub"]
def running_statistics(batches, momentum):
    raise NotImplementedError


# %% tags=["solution"]
def running_statistics(batches, momentum):
    mean, variance = 0.0, 1.0
    for batch in batches:
        mean = momentum * mean + (1 - momentum) * batch.mean()
        variance = momentum * variance + (1 - momentum) * batch.var()
    return mean, variance


# %%
hw.check("q5", running_statistics)

# %% [markdown]
# ## Question 6: dropout's two modes (6 points)
#
# `mask` holds 1 where a value is kept and 0 where it is dropped; `p` is the probability of being dropped. `mode` is one of
# Paddle's two, `"upscale_in_train"` or `"downscale_in_infer"`; `training` is `True` or `False`. What comes out?


# %% tags=["stub"]
def dropout(x, mask, p, mode, training):
    raise NotImplementedError


# %% tags=["solution"]
def dropout(x, mask, p, mode, training):
    if mode == "upscale_in_train":
        return x * mask / (1 - p) if training else x
    return x * mask if training else x * (1 - p)


# %%
hw.check("q6", dropout)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# What are the three benefits of batch normalization, and which experiment would show each? One sentence a benefit, one an
# experiment.
#
# *Your answer:*

# %%
hw.progress()
