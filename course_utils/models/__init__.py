"""The networks of the course."""

from course_utils.models.lenet import LeNet5, LeNet1998
from course_utils.models.resnet import ResNet, cifar_resnet, resnet18, resnet34, resnet50
from course_utils.models.weights import copy_weights

__all__ = ["LeNet5", "LeNet1998", "ResNet", "cifar_resnet", "copy_weights", "resnet18", "resnet34", "resnet50"]
