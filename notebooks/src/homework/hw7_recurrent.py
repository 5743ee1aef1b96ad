# %% [markdown]
# # Homework 7: recurrent nets (循环神经网络)
#
# Cells, masks and clipping, written by you with NumPy. Chapter 11 has all that you need. The checks compare with Paddle's
# layers. Weights come as Paddle's recurrent layers keep them: a matrix `w` `[G H, D]` for the input, `u` `[G H, H]` for the
# state, and two biases `b` and `b2` `[G H]`, for $D$ inputs, $H$ states and $G$ blocks, one below the other.

# %% [markdown]
# Student ID (学号): write it here
#
# Name (姓名): write it here

# %%
import numpy as np

from course_utils.homework import Homework

hw = Homework("hw7")

# %% [markdown]
# ## Question 1: a recurrent net (6 points)
#
# `x` is `[N, T, D]`. From $h_0 = 0$ on, $h_t = \tanh(W x_t + U h_{t-1} + b + b_2)$. Give all states, `[N, T, H]`.
#
# The example: one unit, $W = 1$, $U = 1/2$, no bias, inputs 1, 0, 0.


# %% tags=["stub"]
def simple_rnn(x, w, u, b, b2):
    raise NotImplementedError


# %% tags=["solution"]
def simple_rnn(x, w, u, b, b2):
    h, states = np.zeros((len(x), u.shape[1])), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w.T + h @ u.T + b + b2)
        states.append(h)
    return np.stack(states, axis=1)


# %%
hw.check("q1", simple_rnn)

# %% [markdown]
# ## Question 2: parameters as Paddle counts them (5 points)
#
# How many parameters has `paddle.nn.SimpleRNN`, `GRU` or `LSTM` of one layer and one direction? `kind` is `"rnn"`, `"gru"` or
# `"lstm"`. The example: 10 inputs and 20 states.


# %% tags=["stub"]
def recurrent_parameters(kind, inputs, hidden):
    raise NotImplementedError


# %% tags=["solution"]
def recurrent_parameters(kind, inputs, hidden):
    blocks = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    return blocks * hidden * (inputs + hidden + 2)


# %%
hw.check("q2", recurrent_parameters)

# %% [markdown]
# ## Question 3: one step of an LSTM (8 points)
#
# The blocks are, from top to bottom, input gate $i$, forget gate $f$, candidate $g$ and output gate $o$. Then
# $c' = f c + i g$ and $h' = o \tanh(c')$. Give $h'$ and $c'$, in this order. `x` is `[N, D]`, `h` and `c` are `[N, H]`.


# %% tags=["stub"]
def lstm_step(x, h, c, w, u, b, b2):
    raise NotImplementedError


# %% tags=["solution"]
def lstm_step(x, h, c, w, u, b, b2):
    i, f, g, o = np.split(x @ w.T + h @ u.T + b + b2, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
    c = f * c + i * np.tanh(g)
    return o * np.tanh(c), c


# %%
hw.check("q3", lstm_step)

# %% [markdown]
# ## Question 4: one step of a GRU (7 points)
#
# The blocks are reset gate $r$, update gate $z$ and candidate $g$. As Paddle has it:
# $g = \tanh(W_g x + b_g + r (U_g h + b_{2g}))$ and $h' = z h + (1 - z) g$.


# %% tags=["stub"]
def gru_step(x, h, w, u, b, b2):
    raise NotImplementedError


# %% tags=["solution"]
def gru_step(x, h, w, u, b, b2):
    of_x, of_h = np.split(x @ w.T + b, 3, axis=1), np.split(h @ u.T + b2, 3, axis=1)
    r, z = (1 / (1 + np.exp(-of_x[k] - of_h[k])) for k in (0, 1))
    g = np.tanh(of_x[2] + r * of_h[2])
    return z * h + (1 - z) * g


# %%
hw.check("q4", gru_step)

# %% [markdown]
# ## Question 5: sequences of different length (6 points)
#
# The sequences of a batch `x` `[N, T, D]` are padded (填充) at their ends: only the first `lengths[n]` steps of sequence $n$ are
# real, and what stands behind them must not matter. Give the state of the net of question 1 after each sequence's own last
# step, `[N, H]`.


# %% tags=["stub"]
def last_state(x, lengths, w, u, b, b2):
    raise NotImplementedError


# %% tags=["solution"]
def last_state(x, lengths, w, u, b, b2):
    h = np.zeros((len(x), u.shape[1]))
    for t in range(x.shape[1]):
        new = np.tanh(x[:, t] @ w.T + h @ u.T + b + b2)
        h = np.where((t < lengths)[:, None], new, h)
    return h


# %%
hw.check("q5", last_state)

# %% [markdown]
# ## Question 6: clipping by the global norm (4 points)
#
# `gradients` is a list of arrays. Where the norm of all their values together is above `limit`, scale all by one factor so that
# it is `limit`; else leave them. The example: 3 and 4 with limit 1.


# %% tags=["stub"]
def clip(gradients, limit):
    raise NotImplementedError


# %% tags=["solution"]
def clip(gradients, limit):
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return [gradient * min(1, limit / norm) for gradient in gradients]


# %%
hw.check("q6", clip)

# %% [markdown]
# ## Open question (6 points, marked by your teacher)
#
# Why does an LSTM remember longer than a simple recurrent net? Which path does the gradient take, and what does it meet on it?
#
# *Your answer:*

# %%
hw.progress()
