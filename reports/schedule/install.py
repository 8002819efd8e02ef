"""How the tick is installed: a systemd timer with a hardened service, a line for crontab, or a Kubernetes CronJob."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

__all__ = ["cron_line", "kubernetes", "systemd_units"]

EVERY_MIN = 5
HOME = "/srv/capacity"
"""Where the CronJob works."""

SERVICE = """[Unit]
Description=capacity-workbench: the reports that are due
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
ExecStart={command}
EnvironmentFile=-{environment}
TimeoutStartSec=infinity
Nice=10
{memory}NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writable}
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=
UMask=0027
"""

TIMER = """[Unit]
Description=capacity-workbench: look every {every} min for reports that are due

[Timer]
OnCalendar=*:0/{every}
Persistent=true
RandomizedDelaySec=20

[Install]
WantedBy=timers.target
"""


def systemd_units(
    command: Sequence[str], *, folder: Path, environment: Path, writable: Sequence[Path], memory_bytes: int
) -> Mapping[str, str]:
    """Return a service and its timer, by file name.

    Parameters
    ----------
    command : sequence of str
        The tick.
    folder : Path
        Where it works.
    environment : Path
        The file that holds the variables with secrets; it need not be there.
    writable : sequence of Path
        The only folders that it may write to.
    memory_bytes : int
        What all of it may hold, the notebook's process included.
    """
    filled = SERVICE.format(
        folder=_path(folder),
        command=" ".join(_word(each) for each in command),
        environment=_path(environment),
        writable=" ".join(_word(str(each)) for each in writable),
        memory=f"MemoryMax={memory_bytes}\n",
    )
    return {"capacity.service": filled, "capacity.timer": TIMER.format(every=EVERY_MIN)}


def cron_line(command: Sequence[str], *, folder: Path, environment: Path) -> str:
    """Return a line for crontab; the variables with secrets are read from a file, if it is there."""
    env, where = shlex.quote(str(environment)), shlex.quote(str(folder))
    line = f"cd {where} && {{ [ ! -r {env} ] || {{ set -a; . {env}; set +a; }}; }} && {shlex.join(command)}"
    return f"*/{EVERY_MIN} * * * * {line.replace('%', chr(92) + '%')}"


def kubernetes(
    *, image: str, claim: str, config: str, secret: str, files: Sequence[str], memory_bytes: int, timeout_s: float
) -> str:
    """Return a CronJob of the same tick: configuration in a ConfigMap, secrets in a Secret, reports on a volume.

    ``files`` are those of the ConfigMap, each put into the volume's folder by its name: the configuration looks for
    what it names, and for the reports, beside itself.
    """
    container = {
        "name": "capacity",
        "image": image,
        "command": ["capacity", "run", "--due", "--config", f"{HOME}/{files[0]}"],
        "workingDir": HOME,
        "env": [{"name": "HOME", "value": "/tmp"}],  # libraries keep caches there; the rest cannot be written
        "envFrom": [{"secretRef": {"name": secret, "optional": True}}],
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": f"{memory_bytes}"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "reports", "mountPath": HOME},
            *({"name": "config", "mountPath": f"{HOME}/{each}", "subPath": each, "readOnly": True} for each in files),
            {"name": "scratch", "mountPath": "/tmp"},
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001,
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [
            {"name": "config", "configMap": {"name": config}},
            {"name": "reports", "persistentVolumeClaim": {"claimName": claim}},
            {"name": "scratch", "emptyDir": {}},
        ],
    }  # fmt: skip
    job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "capacity", "labels": {"app.kubernetes.io/name": "capacity-workbench"}},
        "spec": {
            "schedule": f"*/{EVERY_MIN} * * * *",
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": int(timeout_s),
                    "template": {"spec": pod},
                }
            },
        },
    }
    return yaml.safe_dump(job, sort_keys=False)


def _word(text: str) -> str:
    """Quote a word for systemd, whose percent and dollar signs mean something."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if " " in text or "'" in text else text


def _path(path: Path) -> str:
    return str(path).replace("%", "%%")
