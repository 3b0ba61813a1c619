"""What is said where the kernel of a node cannot sign; that it can is shown in tests/lab."""

from __future__ import annotations

import socket

import pytest

from speaker.adapters.bgp_tcp import md5
from vipcast.model.errors import HostError

PEER = ("192.0.2.1", 179, 0, 0)


def test_a_kernel_without_signatures_is_named_and_what_to_do_about_it() -> None:
    # No socket but one of TCP has the option: the kernel's answer is that of one without it.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(HostError) as told:
        md5.sign(sock, PEER, b"secret")
    assert str(told.value) == (
        "The kernel of this node cannot sign TCP (it was built without CONFIG_TCP_MD5SIG), and the"
        " peer has a password: run a kernel that can, or remove the password on both sides."
    )


def test_any_other_refusal_has_the_kernel_s_own_word() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        pass
    with pytest.raises(
        HostError, match=r"refuses to sign TCP \(Bad file descriptor\), as one in F"
    ):
        md5.sign(sock, PEER, b"secret")


@pytest.mark.parametrize("password", [b"", b"x" * 81])
def test_a_password_that_cannot_sign_never_reaches_the_kernel(password: bytes) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock,
        pytest.raises(HostError, match=r"give 1 to 80\.$"),
    ):
        md5.sign(sock, PEER, password)
