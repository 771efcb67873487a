"""A Slurm cluster of one node on this machine, from Debian's slurm-wlm and munge, without systemd.

Needs root. Slurm's programs, and those that a job starts, look for their configuration in one place: the file there is
written only where there is none, and taken away in the end.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")
MARK = "# GutAxis: one-node cluster of tests/slurm_cluster.py"
MUNGE_PID = Path("/run/munge/munged.pid")
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "squeue", "scancel")
#: No accounting data base and no control groups: memory is watched by sampling, every second.
TEMPLATE = """{mark}
ClusterName=gutaxis
SlurmctldHost={host}(127.0.0.1)
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
MinJobAge=3600
KillWait=2
SchedulerParameters=sched_interval=2,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmdParameters=config_overrides
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def unavailable():
    """Say why no cluster can be started here, or return None."""
    if os.geteuid() != 0:
        return "a Slurm cluster can be started by root only"
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [program for program in PROGRAMS if shutil.which(program, path=search) is None]
    if missing:
        return f"{', '.join(missing)} not installed (envs/debian-test.txt)"
    text = CONFIG.read_text() if CONFIG.exists() else MARK
    if not text.startswith(MARK):
        return f"{CONFIG} belongs to another cluster: it is left alone"
    # a test run that was killed leaves its file behind; one that goes on has its daemons
    pids = (recorded(Path(line.partition("=")[2])) for line in text.splitlines() if "PidFile=" in line)
    return f"the cluster of another test run is up ({CONFIG})" if any(pid and alive(pid) for pid in pids) else None


def memory_mb():
    """Return what the node promises: as much as there is, and on a small machine more.

    A rule asks for what a real database needs; the simulated ones need a tenth of it.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(8000, total - 1000)


def alive(pid):
    """Whether a process of this number runs and is no zombie."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def recorded(path):
    """Return the process number in a pid file, or None."""
    return int(path.read_text()) if path.exists() and path.read_text().strip().isdigit() else None


def wait_for(condition, *, what, seconds=60):
    """Wait until a condition holds; a timeout says for what."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {seconds} s")
        time.sleep(0.2)


@dataclass
class Cluster:
    """The daemons of a cluster. ``start`` and ``stop`` touch only what they started themselves, by its number."""

    folder: Path
    cpus: int = 4
    pids: dict[str, int] = field(default_factory=dict)

    def start(self):
        """Start munge, slurmctld and slurmd, and wait until the node takes jobs."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for path in (self.folder, self.folder / "state"):
            shutil.chown(path, "slurm", "slurm")
        for path in map(Path, ("/run/munge", "/var/lib/munge", "/var/log/munge")):
            path.mkdir(parents=True, exist_ok=True)
            shutil.chown(path, "munge", "munge")
        Path("/run/munge").chmod(0o755)
        CONFIG.write_text(
            TEMPLATE.format(
                mark=MARK, host=socket.gethostname(), folder=self.folder, cpus=self.cpus, memory=memory_mb()
            )
        )
        running = recorded(MUNGE_PID)
        if running is None or not alive(running):
            self._daemon("munged", ["runuser", "-u", "munge", "--", "/usr/sbin/munged"], MUNGE_PID)
        self.call("munge", "-n")
        self._daemon("slurmctld", ["/usr/sbin/slurmctld", "-f", str(CONFIG)], self.folder / "slurmctld.pid")
        self._daemon("slurmd", ["/usr/sbin/slurmd", "-f", str(CONFIG)], self.folder / "slurmd.pid")
        wait_for(lambda: "idle" in self.call("sinfo", "--noheader", "--format=%T"), what="idle node")

    def stop(self):
        """End the jobs, then the daemons of this object, and take the configuration away."""
        if {"slurmctld", "slurmd"} <= set(self.pids):
            with contextlib.suppress(subprocess.CalledProcessError, TimeoutError):
                # a node that does not answer must not keep the daemons alive: they are ended below in any case
                self.call("scancel", "--user=root")
                wait_for(lambda: not self.call("squeue", "--noheader"), what="end of the jobs", seconds=30)
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self.pids:
                self._end(self.pids.pop(name))
        CONFIG.unlink(missing_ok=True)

    def call(self, *command):
        """Run a program of Slurm or munge and return what it prints."""
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def jobs(self):
        """Return Slurm job number -> (state, comment) of all jobs, those that ended among them."""
        rows = self.call("squeue", "--noheader", "--states=all", "--format=%i|%T|%k").splitlines()
        return {int(number): (state, comment) for number, state, comment in (row.split("|", 2) for row in rows)}

    def _daemon(self, name, command, pid_file):
        pid_file.unlink(missing_ok=True)
        # daemons keep what they inherit open: with a pipe, the caller would wait for them
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
        wait_for(lambda: recorded(pid_file) is not None and alive(recorded(pid_file)), what=f"running {name}")
        self.pids[name] = recorded(pid_file)

    def _end(self, pid):
        for word in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, word)
            with contextlib.suppress(TimeoutError):
                wait_for(lambda: not alive(pid), what="end of a daemon", seconds=10)
                return


@contextlib.contextmanager
def cluster(*, cpus=4):
    """Give a running cluster; it is stopped in any case. ``cpus`` may be more than there are: jobs then share them."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the controller is another user
        one = Cluster(folder=folder, cpus=cpus)
        try:
            one.start()
            yield one
        finally:
            one.stop()
