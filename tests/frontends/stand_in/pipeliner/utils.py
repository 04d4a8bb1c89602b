"""Notes of what a job has done."""

import json
from pathlib import Path


def update_jobinfo_file(
    output_dir: str, action: str | None = None, command_list: list[str] | None = None
) -> None:
    """Add to the job's history."""
    file = Path(output_dir) / ".CCPEM_pipeliner_jobinfo"
    history = json.loads(file.read_text()) if file.exists() else []
    file.write_text(json.dumps([*history, action or command_list]))
