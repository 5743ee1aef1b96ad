"""What the chapters share. Each module has one subject; the README maps questions to files."""

import os
import warnings

__version__ = "0.1.0"

# Paddle reads these when it is first imported, so they are set before any module of ours can import it.
os.environ.setdefault("GLOG_minloglevel", "2")  # its late log lines carry time and pid into the next cell
os.environ.setdefault("FLAGS_cudnn_deterministic", "1")
# scikit-learn would set it to FALSE, and then a forked process waits for ever in its first operation of Paddle.
os.environ.setdefault("KMP_INIT_AT_FORK", "TRUE")
warnings.filterwarnings("ignore", message="No ccache found")
warnings.filterwarnings("ignore", message="When training, we now always track global mean")  # each BatchNorm step
