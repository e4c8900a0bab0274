"""The networks of these tests are so small that a second thread would only have to be waited for."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)
