"""What programs that use python3-docker do; run by python.suite.ts, which says in the environment where and on what."""
import io
import json
import os
import socket
import tarfile
import threading
import time
import unittest

import docker

IMAGE = os.environ["E2E_IMAGE"]
REGISTRY = os.environ["E2E_REGISTRY"]
PLACE = json.loads(os.environ["E2E_PLACE"])
NETWORKS = os.environ.get("E2E_NETWORKS") != "no"
FOREVER = ["sleep", "1000"]


def until(what, probe, seconds=15):
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("%s: not within %d s (last: %r)" % (what, seconds, found))
        time.sleep(0.05)


class Scenario(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = docker.from_env(version="auto", timeout=30)
        cls.client.images.pull(IMAGE)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def tearDown(self):
        for container in self.client.containers.list(all=True, ignore_removed=True):
            try:
                container.remove(force=True, v=True)
            except docker.errors.NotFound:
                pass

    def start(self, command=FOREVER, **options):
        return self.client.containers.run(IMAGE, command, detach=True, **self.placed(options))

    def placed(self, options):
        words = dict(options)
        words["environment"] = list(words.get("environment", [])) + PLACE
        if "network" not in words:
            words.setdefault("network_mode", "none")
        return words


class Containers(Scenario):
    def test_run_gives_the_output(self):
        self.assertEqual(self.client.containers.run(IMAGE, ["echo", "hello"], **self.placed({"remove": True})), b"hello\n")
        both = self.client.containers.run(
            IMAGE, ["sh", "-c", "echo out; echo err >&2"], **self.placed({"stdout": True, "stderr": True, "remove": True})
        )
        self.assertEqual(sorted(both.split()), [b"err", b"out"])

    def test_run_raises_what_failed(self):
        with self.assertRaises(docker.errors.ContainerError) as failed:
            self.client.containers.run(IMAGE, ["sh", "-c", "echo why >&2; exit 7"], **self.placed({}))
        self.assertEqual((failed.exception.exit_status, failed.exception.stderr), (7, b"why\n"))
        with self.assertRaises(docker.errors.NotFound):
            self.client.containers.run(REGISTRY + "/nothing:1", "true")
        with self.assertRaises(docker.errors.APIError) as refused:
            self.client.containers.run(IMAGE, ["no-such-program"], **self.placed({}))
        self.assertEqual(refused.exception.status_code, 400)
        with self.assertRaises(docker.errors.NotFound):
            self.client.containers.get("nobody")

    def test_life(self):
        container = self.client.containers.create(IMAGE, FOREVER, name="life", labels={"k": "v"}, **self.placed({}))
        self.assertEqual(container.status, "created")
        container.start()
        container.reload()
        self.assertEqual((container.status, container.name, container.labels), ("running", "life", {"k": "v"}))
        container.rename("other")
        container.pause()
        container.reload()
        self.assertEqual((container.status, container.name), ("paused", "other"))
        container.unpause()
        container.restart(timeout=0)
        container.kill()
        container.reload()
        self.assertEqual((container.status, container.attrs["State"]["ExitCode"]), ("exited", 137))
        self.assertEqual(container.wait()["StatusCode"], 137)
        container.start()
        container.stop(timeout=0)
        container.reload()
        self.assertEqual((container.status, container.attrs["State"]["ExitCode"]), ("exited", 137))
        container.remove()
        with self.assertRaises(docker.errors.NotFound):
            container.reload()

    def test_wait_for_what_comes(self):
        container = self.client.containers.create(IMAGE, ["sh", "-c", "sleep 0.5; exit 3"], **self.placed({}))
        seen = {}
        waiter = threading.Thread(target=lambda: seen.update(container.wait(condition="next-exit", timeout=20)))
        waiter.start()
        time.sleep(0.2)
        container.start()
        waiter.join()
        self.assertEqual(seen["StatusCode"], 3)
        gone = threading.Thread(target=lambda: seen.update(removed=container.wait(condition="removed", timeout=20)["StatusCode"]))
        gone.start()
        time.sleep(0.2)
        container.remove()
        gone.join()
        self.assertEqual(seen["removed"], 3)
        always = self.start(["sh", "-c", "sleep 1; exit 4"], restart_policy={"Name": "always"})
        self.assertEqual(always.wait(timeout=20)["StatusCode"], 4)
        always.remove(force=True)

    def test_list_and_filters(self):
        up = self.start(name="up", labels={"kind": "a"})
        over = self.start(["false"], name="over", labels={"kind": "b"})
        over.wait()
        names = lambda **words: sorted(each.name for each in self.client.containers.list(**words))
        self.assertEqual(names(), ["up"])
        self.assertEqual(names(all=True), ["over", "up"])
        self.assertEqual(names(all=True, filters={"exited": 1}), ["over"])
        self.assertEqual(names(all=True, filters={"label": ["kind=b"]}), ["over"])
        self.assertEqual(names(filters={"status": "exited"}), ["over"])
        self.assertEqual(names(all=True, filters={"since": up.id}), ["over"])
        self.assertEqual(names(all=True, filters={"before": over.id}), ["up"])
        self.assertEqual(names(all=True, limit=1), ["over"])
        self.assertEqual(self.client.containers.get(up.id[:12]).name, "up")
        self.assertEqual(names(all=True, filters={"ancestor": IMAGE}), ["over", "up"])

    def test_prune(self):
        over = self.start(["true"], labels={"old": ""})
        over.wait()
        kept = self.start(["true"])
        kept.wait()
        pruned = self.client.containers.prune(filters={"label": "old"})
        self.assertEqual(pruned["ContainersDeleted"], [over.id])
        self.assertIsInstance(pruned["SpaceReclaimed"], int)
        self.assertEqual(self.client.containers.prune(filters={"until": "24h"})["ContainersDeleted"], None)
        self.assertEqual([each.id for each in self.client.containers.list(all=True)], [kept.id])

    def test_limits_and_options(self):
        container = self.start(
            mem_limit="64m", nano_cpus=500_000_000, pids_limit=20, user="nobody", working_dir="/tmp", hostname="ship", tty=True,
            stdin_open=True, cap_drop=["ALL"], read_only=True, tmpfs={"/scratch": "size=1m"}, restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
            ulimits=[docker.types.Ulimit(name="nofile", soft=100, hard=200)], extra_hosts={"db": "10.0.0.9"}, init=True, shm_size="16m",
        )
        code, said = container.exec_run(["sh", "-c", "id -un; pwd; hostname; ulimit -Hn; df -k /scratch | tail -1; touch /x"], demux=True)
        self.assertEqual((code, said[1]), (1, b"touch: /x: Read-only file system\n"))
        lines = said[0].decode().splitlines()
        self.assertEqual(lines[:4], ["nobody", "/tmp", "ship", "200"])
        self.assertRegex(lines[4], r"^tmpfs +1024 ")
        container.reload()
        host = container.attrs["HostConfig"]
        self.assertEqual((host["Memory"], host["NanoCpus"], host["PidsLimit"]), (64 << 20, 500_000_000, 20))
        container.update(mem_limit="96m", memswap_limit="96m")
        container.reload()
        self.assertEqual(container.attrs["HostConfig"]["Memory"], 96 << 20)

    def test_stats_and_top(self):
        container = self.start(mem_limit="64m")
        once = container.stats(stream=False)
        self.assertEqual((once["name"], once["memory_stats"]["limit"], once["pids_stats"]["current"]), ("/" + container.name, 64 << 20, 1))
        stream = container.stats(stream=True, decode=True)
        first, second = next(stream), next(stream)
        stream.close()
        self.assertLess(first["read"], second["read"])
        self.assertEqual([row[-1] for row in container.top()["Processes"]], ["sleep 1000"])

    def test_health(self):
        check = {"test": ["CMD-SHELL", "test -e /tmp/well"], "interval": 200_000_000, "retries": 1}
        container = self.start(healthcheck=check)
        health = lambda: (container.reload(), container.attrs["State"]["Health"])[1]
        until("it to be unwell", lambda: health()["Status"] == "unhealthy")
        container.exec_run(["touch", "/tmp/well"])
        until("it to be well", lambda: health()["Status"] == "healthy")
        self.assertEqual(health()["Log"][-1]["ExitCode"], 0)


class Streams(Scenario):
    def test_logs(self):
        container = self.start(["sh", "-c", "for i in 1 2 3; do echo $i; sleep 1.1; done; echo err >&2"])
        self.assertEqual([each for each in container.logs(stream=True, follow=True)], [b"1\n", b"2\n", b"3\n", b"err\n"])
        self.assertEqual(container.logs(tail=2), b"3\nerr\n")
        self.assertEqual(container.logs(stdout=False), b"err\n")
        stamped = container.logs(timestamps=True, stderr=False).decode().splitlines()
        times = [line.split(" ")[0] for line in stamped]
        self.assertEqual(sorted(times), times)
        second = int(time.mktime(time.strptime(times[1][:19], "%Y-%m-%dT%H:%M:%S"))) - time.timezone
        self.assertIn(b"2\n", container.logs(since=second))
        self.assertNotIn(b"1\n", container.logs(since=second))
        self.assertNotIn(b"3\n", container.logs(until=second + 1, stderr=False))
        self.assertEqual(container.logs(since=second + 3600), b"")

    def test_attach_and_its_socket(self):
        container = self.client.containers.create(IMAGE, ["cat"], stdin_open=True, **self.placed({}))
        connection = self.client.api.attach_socket(container.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        container.start()
        raw = connection._sock
        raw.sendall(b"hello\n")
        raw.settimeout(10)
        got = b""
        while len(got) < 8 + 6:
            got += raw.recv(100)
        self.assertEqual(got, b"\x01\x00\x00\x00\x00\x00\x00\x06hello\n")
        raw.shutdown(socket.SHUT_WR)
        connection.close()
        self.assertEqual((container.wait()["StatusCode"], container.logs()), (0, b"hello\n"))

    def test_exec(self):
        container = self.start(environment=["A=b"])
        self.assertEqual(container.exec_run("echo hello"), (0, b"hello\n"))
        both = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 3"], demux=True)
        self.assertEqual(both, (3, (b"out\n", b"err\n")))
        self.assertEqual(container.exec_run(["sh", "-c", "echo $A $B"], environment={"B": "c"}), (0, b"b c\n"))
        pieces = container.exec_run(["sh", "-c", "echo one; sleep 0.3; echo two"], stream=True).output
        self.assertEqual(b"".join(pieces), b"one\ntwo\n")
        self.assertEqual(container.exec_run(["id", "-un"], user="nobody").output, b"nobody\n")
        self.assertEqual(container.exec_run(["tty"], tty=True)[0], 0)
        api = self.client.api
        created = api.exec_create(container.id, ["cat"], stdin=True)
        connection = api.exec_start(created["Id"], socket=True)
        raw = connection._sock
        raw.sendall(b"typed\n")
        raw.settimeout(10)
        self.assertEqual(raw.recv(100)[-6:], b"typed\n")
        self.assertTrue(api.exec_inspect(created["Id"])["Running"])
        raw.shutdown(socket.SHUT_WR)
        until("the end of its input to be its end", lambda: not api.exec_inspect(created["Id"])["Running"])
        connection.close()
        detached = api.exec_create(container.id, ["true"])
        api.exec_start(detached["Id"], detach=True)
        until("its end", lambda: api.exec_inspect(detached["Id"])["ExitCode"] == 0)
        with self.assertRaises(docker.errors.NotFound):
            api.exec_inspect("0" * 64)

    def test_events(self):
        since = time.time()
        stream = self.client.events(filters={"type": "container", "label": "watched"}, decode=True)
        container = self.start(["true"], labels={"watched": "yes"})
        seen = []
        for event in stream:
            seen.append(event["Action"])
            if event["Action"] == "die":
                break
        stream.close()
        self.assertEqual(seen, ["create", "start", "die"])
        container.remove()
        past = list(self.client.events(since=since - 1, until=time.time() + 1, filters={"container": container.id, "event": ["die", "destroy"]}, decode=True))
        self.assertEqual([each["Action"] for each in past], ["die", "destroy"])
        self.assertEqual(past[0]["Actor"]["Attributes"]["exitCode"], "0")

    def test_archives(self):
        container = self.client.containers.create(IMAGE, ["cat", "/tmp/one"], **self.placed({}))
        self.assertTrue(container.put_archive("/tmp", archive({"one": b"first"})))
        # In pieces, of nobody knows what kind.
        self.assertTrue(container.put_archive("/tmp", iter([archive({"two": b"second"})])))
        self.assertEqual(container.get_archive("/tmp/two")[1]["size"], 6)
        stream, stat = container.get_archive("/tmp/one")
        self.assertEqual((stat["name"], stat["size"]), ("one", 5))
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
            self.assertEqual(tar.extractfile("one").read(), b"first")
        container.start()
        container.wait()
        self.assertEqual(container.logs(), b"first")
        changed = {each["Path"]: each["Kind"] for each in container.diff()}
        self.assertEqual(changed.get("/tmp/one"), 1)
        with self.assertRaises(docker.errors.NotFound):
            container.get_archive("/no/such")
        with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
            self.assertIn("tmp/one", tar.getnames())


class Stores(Scenario):
    def test_volumes(self):
        volume = self.client.volumes.create("of-python", labels={"k": "v"})
        self.assertEqual((volume.name, volume.attrs["Driver"], volume.attrs["Labels"]), ("of-python", "local", {"k": "v"}))
        self.assertEqual([each.name for each in self.client.volumes.list(filters={"label": "k=v"})], ["of-python"])
        nowhere = {"network_mode": "none", "remove": True, "volumes": {"of-python": {"bind": "/data", "mode": "rw"}}}
        self.client.containers.run(IMAGE, ["sh", "-c", "echo kept > /data/f"], **nowhere)
        self.assertEqual(self.client.containers.run(IMAGE, ["cat", "/data/f"], **nowhere), b"kept\n")
        user = self.client.containers.run(IMAGE, FOREVER, detach=True, network_mode="none", volumes=["of-python:/data:ro"])
        user.reload()
        self.assertEqual([(each["Type"], each["Name"], each["RW"]) for each in user.attrs["Mounts"]], [("volume", "of-python", False)])
        with self.assertRaises(docker.errors.APIError) as used:
            volume.remove()
        self.assertEqual(used.exception.status_code, 409)
        user.remove(force=True)
        volume.remove()
        with self.assertRaises(docker.errors.NotFound):
            self.client.volumes.get("of-python")
        self.assertIn("SpaceReclaimed", self.client.volumes.prune())

    def test_images(self):
        image = self.client.images.get(IMAGE)
        self.assertTrue(image.tag("of-python", "1"))
        self.assertIn("of-python:1", [tag for each in self.client.images.list(name="of-python") for tag in each.tags])
        saved = b"".join(self.client.images.get("of-python:1").save(named="of-python:1"))
        self.client.images.remove("of-python:1")
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.images.get("of-python:1")
        loaded = self.client.images.load(saved)
        self.assertEqual([each.id for each in loaded], [image.id])
        with self.assertRaises(docker.errors.ImageLoadError):
            self.client.images.load(b"no archive")
        self.assertEqual(len(image.history()), 1)
        data = self.client.images.get_registry_data(IMAGE)
        self.assertRegex(data.id, r"^sha256:[0-9a-f]{64}$")
        self.client.images.remove("of-python:1")
        target = REGISTRY + "/of-python/pushed"
        image.tag(target, "1")
        last = [line for line in self.client.images.push(target, tag="1", stream=True, decode=True)][-1]
        self.assertRegex(last["aux"]["Digest"], r"^sha256:[0-9a-f]{64}$")
        self.client.images.remove(target + ":1")
        self.assertEqual(self.client.images.pull(target, tag="1").id, image.id)
        self.client.images.remove(target + ":1")

    def test_commit(self):
        container = self.start(["sh", "-c", "echo new > /added"])
        container.wait()
        image = container.commit("of-python", "2", message="a change", author="me", changes=["CMD cat /added"])
        self.assertEqual((image.tags, image.attrs["Author"], image.attrs["Comment"]), (["of-python:2"], "me", "a change"))
        self.assertEqual(self.client.containers.run("of-python:2", **self.placed({"remove": True})), b"new\n")
        container.remove()
        self.client.images.remove("of-python:2")

    def test_prune_and_df(self):
        container = self.start(["sh", "-c", "echo new > /added"])
        container.wait()
        nameless = container.commit()
        self.assertEqual([each.id for each in self.client.images.list(filters={"dangling": True})], [nameless.id])
        usage = self.client.df()
        self.assertEqual([each["Id"] for each in usage["Containers"]], [container.id])
        self.assertGreater(usage["LayersSize"], 0)
        removed = self.client.images.prune()["ImagesDeleted"]
        self.assertIn(nameless.id, [each.get("Deleted") for each in removed])

    @unittest.skipUnless(NETWORKS, "this daemon has none")
    def test_networks(self):
        pool = docker.types.IPAMPool(subnet="10.95.0.0/24")
        network = self.client.networks.create("of-python", ipam=docker.types.IPAMConfig(pool_configs=[pool]), labels={"k": "v"})
        self.assertEqual([each.id for each in self.client.networks.list(names=["of-python"], filters={"label": "k=v"})], [network.id])
        server = self.start(name="server", network="of-python", hostname="server")
        said = self.client.containers.run(IMAGE, ["ping", "-c", "1", "-W", "2", "server"], **self.placed({"network": "of-python", "remove": True}))
        self.assertIn(b" 0% packet loss", said)
        network.reload()
        self.assertEqual([each.name for each in network.containers], ["server"])
        network.disconnect(server)
        network.connect(server, ipv4_address="10.95.0.77", aliases=["other"])
        server.reload()
        self.assertEqual(server.attrs["NetworkSettings"]["Networks"]["of-python"]["IPAddress"], "10.95.0.77")
        with self.assertRaises(docker.errors.APIError):
            network.remove()
        server.remove(force=True)
        network.remove()
        with self.assertRaises(docker.errors.NotFound):
            self.client.networks.get("of-python")

    def test_system(self):
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.info()["OSType"], "linux")
        self.assertIn("ApiVersion", self.client.version())
        self.assertTrue(self.client.swarm.leave(force=True))


def archive(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


if __name__ == "__main__":
    unittest.main(verbosity=2)
