"""Maps point at what a net uses, and nets that use something else, or nothing, get other maps."""

import numpy as np
import paddle
import pytest
from paddle import nn

from course_utils.attribution import grad_cam, occlusion_map, randomized, rank_agreement


class Quadrant(nn.Layer):
    """Its logit is the brightness of the upper left quarter, and of nothing else."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2D(1, 2, 1, bias_attr=False)
        self.maps.weight.set_value(np.array([1.0, -1.0], dtype="float32").reshape(2, 1, 1, 1))

    def forward(self, x):
        maps = nn.functional.relu(self.maps(x))
        return maps[:, :1, : x.shape[2] // 2, : x.shape[3] // 2].mean(axis=[2, 3])


def textured(size=16, n=2):
    return paddle.to_tensor(np.random.default_rng(0).random((n, 1, size, size)), dtype="float32")


def trained_like(seed=0):
    """A net whose class 1 is a bright spot: hand-set kernels, then BatchNorm."""
    paddle.seed(seed)
    net = nn.Sequential(
        *(nn.Conv2D(1, 4, 3, padding=1), nn.BatchNorm2D(4), nn.ReLU(), nn.Conv2D(4, 4, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveAvgPool2D(1), nn.Flatten(), nn.Linear(4, 1)),
    )
    net[0].weight.set_value(np.ones([4, 1, 3, 3], dtype="float32") / 9)
    net[3].weight.set_value(np.ones([4, 4, 3, 3], dtype="float32") / 36)
    net[7].weight.set_value(np.ones([4, 1], dtype="float32"))
    return net


def spots(n=8, size=24):
    """Dark noise with one bright spot each, and where it lies."""
    rng = np.random.default_rng(1)
    x = 0.1 * rng.random((n, 1, size, size))
    places = rng.integers(4, size - 8, (n, 2))
    for image, (row, column) in zip(x, places, strict=True):
        image[0, row : row + 5, column : column + 5] += 1
    return paddle.to_tensor(x, dtype="float32"), places


def test_a_net_of_one_quadrant_is_mapped_there():
    x = textured()
    covered = occlusion_map(Quadrant(), x, size=4, stride=4)
    assert covered.shape == (2, 16, 16)
    assert covered.dtype == np.float32
    assert (covered[:, :8, :8] > 0).all()
    assert (covered[:, 8:] == 0).all()
    assert (covered[:, :, 8:] == 0).all()
    # each square of 4 x 4 takes its share of the 8 x 8 pixels' mean with it
    share = x.numpy()[:, 0, :4, :4].sum(axis=(1, 2)) / 64
    assert np.allclose(covered[:, 0, 0], share, atol=1e-6)


def test_overlapping_squares_reach_the_border_and_are_averaged():
    x = paddle.ones([1, 1, 10, 10])
    covered = occlusion_map(Quadrant(), x, size=4, stride=3)  # rows 0, 3, 6
    both = np.array([16 / 25, 8 / 25, 4 / 25])  # of the 5 x 5: squares at (0, 0), (0, 3), (3, 3)
    assert covered[0, 0, 0] == pytest.approx(both[0])
    assert covered[0, 0, 3] == pytest.approx((both[0] + both[1]) / 2)
    assert covered[0, 9, 9] == 0


def test_grad_cam_is_its_equation():
    net, x = Quadrant(), textured()
    found = grad_cam(net, x, "maps")
    # only map 0 has a slope, the same at each place of the quadrant: 1/64, over all 256 places 1/256
    assert np.allclose(found, x.numpy()[:, 0] / 256, atol=1e-7)


def peaks_on_spots(maps, places):
    """In how many pictures the largest value lies within the spot of 5 x 5, or a pixel beside it."""
    peaks = np.array([np.unravel_index(heat.argmax(), heat.shape) for heat in maps])
    return int((np.abs(peaks - places - 2) <= 3).all(axis=1).sum())


def test_both_maps_find_a_bright_spot():
    net, (x, places) = trained_like(), spots()
    assert peaks_on_spots(grad_cam(net, x, "4"), places) == 8
    assert peaks_on_spots(occlusion_map(net, x, size=6, stride=3), places) == 8


def test_the_control_destroys_a_map_that_learning_made():
    """The net's last layer reads one quadrant only; with random weights it reads everything."""
    net = nn.Sequential(nn.AvgPool2D(4), nn.Flatten(), nn.Linear(16, 1))
    quadrant = np.zeros((4, 4))
    quadrant[:2, :2] = 1
    net[2].weight.set_value(quadrant.reshape(16, 1).astype("float32"))
    x = textured(n=4)
    learned = occlusion_map(net, x, size=4, stride=4)
    control = occlusion_map(randomized(net, x), x, size=4, stride=4)
    assert all(np.abs(heat[8:]).sum() == 0 == np.abs(heat[:8, 8:]).sum() for heat in learned)
    assert all(np.abs(heat[8:]).sum() > np.abs(heat[:8, :8]).sum() for heat in control)
    assert np.mean([rank_agreement(a, b) for a, b in zip(learned, control, strict=True)]) < 0.5


def test_the_control_keeps_what_it_must():
    net = trained_like()
    x, _ = spots()
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    twin, again, other = randomized(net, x), randomized(net, x), randomized(net, x, seed=1)
    assert not np.array_equal(twin[3].weight.numpy(), other[3].weight.numpy())
    assert (twin[3].weight.numpy() ** 2).mean() == pytest.approx(1 / 36**2, rel=0.5)
    assert all(np.array_equal(value.numpy(), before[name]) for name, value in net.state_dict().items())
    assert not twin.training
    for name, value in twin.state_dict().items():
        assert np.array_equal(value.numpy(), again.state_dict()[name].numpy())
    assert twin[1]._momentum == net[1]._momentum == 0.9
    after = twin[0](x).numpy()
    assert np.allclose(twin[1]._mean.numpy(), after.mean(axis=(0, 2, 3)), atol=1e-5)
    assert np.array_equal(twin[0].bias.numpy(), net[0].bias.numpy())


def test_a_net_keeps_its_mode():
    net = trained_like()
    net.train()
    grad_cam(net, spots()[0], "4")
    assert net.training
    net.eval()
    grad_cam(net, spots()[0], "4")
    assert not net.training


def test_agreement_of_maps():
    a = np.arange(12.0).reshape(3, 4)
    assert rank_agreement(a, np.exp(a)) == pytest.approx(1)
    assert rank_agreement(a, -a) == pytest.approx(-1)
    assert rank_agreement(a, np.zeros((3, 4))) == 0
    inside = a > 5
    assert rank_agreement(a[inside], np.where(inside, -a, 99)[inside]) == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"the maps are \[3, 4\] and \[4, 3\]"):
        rank_agreement(a, a.T)


@pytest.mark.parametrize(("layer", "message"), [("conv9", "no layer 'conv9': use one of 0, 1"), ("7", "no maps")])
def test_a_layer_without_maps(layer, message):
    net = trained_like()
    with pytest.raises(ValueError, match=message):
        grad_cam(net, spots()[0], layer)


@pytest.mark.parametrize(("size", "stride"), [(4, 5), (17, 1), (4, 0)])
def test_squares_that_do_not_scan(size, stride):
    with pytest.raises(ValueError, match="use stride <= size"):
        occlusion_map(Quadrant(), textured(), size=size, stride=stride)
