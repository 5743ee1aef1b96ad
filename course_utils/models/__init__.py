"""The networks of the course."""

from course_utils.models.lenet import LeNet5, LeNet1998

__all__ = ["LeNet5", "LeNet1998"]
