"""Secrets of an API server: what is brought of them, and what is kept."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from tests.support.kubesources import NAMESPACE, KubeHarness
from tests.support.sources import Follower
from vipcast.kube.paths import collection
from vipcast.kube.render import whole
from vipcast.model.objects import Key
from vipcast.model.raw import SECRET, Ref
from vipcast.ops.flags import Objects
from vipcast.sources import open_source

HELM = "helm.sh/release.v1"
LARGE = b64encode(bytes(300_000)).decode()


def ref(name: str) -> Ref:
    return Ref(SECRET, Key(NAMESPACE, name))


def secret(name: str, kind: str, **data: str) -> dict[str, Any]:
    return whole(ref(name), type=kind, data=data)


def provide(kube: KubeHarness) -> None:
    """Secrets of several kinds, some large."""
    kube.apply(
        secret("memberlist", "Opaque", secretkey="YQ=="),
        secret("router", "kubernetes.io/basic-auth", username="Yg==", password="Yw=="),
        secret("certificate", "kubernetes.io/tls", **{"tls.crt": LARGE, "tls.key": "ZA=="}),
        *(secret(f"sh.helm.release.v1.x.v{n}", HELM, release=LARGE) for n in range(3)),
    )


async def test_of_secrets_a_speaker_keeps_what_it_reads_and_past_releases_do_not_come(
    kube: KubeHarness,
) -> None:
    provide(kube)
    kube.proxy.asked.clear()
    objects = Objects(kubeconfig=(kube.kubeconfig,))
    async with open_source(
        objects, "test", [SECRET], namespace=NAMESPACE, config="config", secret="memberlist",
        node="node1",
    ) as source:  # fmt: skip
        follower = Follower(source)
        await follower.until(lambda: ref("router") in follower.objects, "they have come")
        kept = {each.key.name: raw["data"] for each, raw in follower.objects.items()}
        assert kept == {
            "memberlist": {"secretkey": "YQ=="},
            "router": {"password": "Yw=="},
            "certificate": {},
        }
        kube.apply(secret("sh.helm.release.v1.x.v4", HELM, release=LARGE))
        kube.apply(secret("router", "kubernetes.io/basic-auth", password="ZQ=="))
        await follower.until(
            lambda: follower.objects[ref("router")]["data"] == {"password": "ZQ=="},
            "the new password has come",
        )
        assert follower.objects.keys() == {ref(name) for name in kept}
    asked = [each for each in kube.proxy.asked if each.path == collection(SECRET, NAMESPACE)]
    assert asked
    assert {each.query["fieldSelector"] for each in asked} == {f"type!={HELM}"}


async def test_a_controller_follows_the_secret_of_the_hellos_alone(kube: KubeHarness) -> None:
    provide(kube)
    objects = Objects(kubeconfig=(kube.kubeconfig,))
    async with open_source(
        objects, "test", [SECRET], namespace=NAMESPACE, config="config", secret="memberlist",
        node="",
    ) as source:  # fmt: skip
        batch = await anext(source.changes())
        assert {delta.ref.key.name for delta in batch.deltas} == {"memberlist"}
