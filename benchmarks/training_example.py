"""Beside what `benchmarks.training` measures: the loop of PyTorch's own VAE example (pytorch/examples, vae/main.py).

Its network, its loss, its loader: images leave the data set one by one, as PIL pictures, and are made tensors there.
"""

import time
from collections.abc import Iterator

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST, VisionDataset

from benchmarks.training_epochs import BATCH_SIZE, DATA_SET, HIDDEN, LATENT, LEARNING_RATE, Epoch, answer_requests
from vae.data import ImageSet, load

PIXELS = 784


class InMemory(MNIST):
    """Torchvision's set on arrays that are in memory already: what it does for an image, without its files."""

    def __init__(self, images: ImageSet) -> None:
        assert images.labels is not None
        VisionDataset.__init__(self, root="", transform=transforms.ToTensor())
        self.data, self.targets = torch.from_numpy(images.images[:, 0].copy()), torch.from_numpy(images.labels.copy())


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(PIXELS, HIDDEN)
        self.fc21 = nn.Linear(HIDDEN, LATENT)
        self.fc22 = nn.Linear(HIDDEN, LATENT)
        self.fc3 = nn.Linear(LATENT, HIDDEN)
        self.fc4 = nn.Linear(HIDDEN, PIXELS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.fc1(x.view(-1, PIXELS)))
        mu, log_variance = self.fc21(h), self.fc22(h)
        std = torch.exp(0.5 * log_variance)
        z = mu + torch.randn_like(std) * std
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, log_variance


def loss_function(decoded: Tensor, x: Tensor, mu: Tensor, log_variance: Tensor) -> Tensor:
    """-ELBO, summed over the batch."""
    cross_entropy = F.binary_cross_entropy(decoded, x.view(-1, PIXELS), reduction="sum")
    return cross_entropy - 0.5 * torch.sum(1 + log_variance - mu.pow(2) - log_variance.exp())


def epochs() -> Iterator[Epoch]:
    """Train for as long as epochs are asked for."""
    torch.manual_seed(1)
    train_loader = DataLoader(InMemory(load(DATA_SET, "train")), batch_size=BATCH_SIZE, shuffle=True)
    test_loader = DataLoader(InMemory(load(DATA_SET, "test")), batch_size=BATCH_SIZE, shuffle=False)
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    images, test_images = len(train_loader.dataset), len(test_loader.dataset)  # pyright: ignore[reportArgumentType]
    while True:
        started = time.perf_counter()
        model.train()
        train_loss = 0.0
        for data, _ in train_loader:
            optimizer.zero_grad()
            loss = loss_function(*_with_input(model, data))
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
        trained = time.perf_counter()
        model.eval()
        with torch.no_grad():
            test_loss = sum(loss_function(*_with_input(model, data)).item() for data, _ in test_loader)
        yield Epoch(images / (trained - started), time.perf_counter() - started, test_loss / test_images)


def _with_input(model: VAE, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    decoded, mu, log_variance = model(x)
    return decoded, x, mu, log_variance


if __name__ == "__main__":
    answer_requests(epochs())
