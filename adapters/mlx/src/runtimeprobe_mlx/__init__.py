"""MLX: what mlx-vlm and mlx-lm do with a clip, on Metal or on the CPU.

In come model folders in Hugging Face's layout (safetensors and JSON); out go replies with the engine's own token counts, or the contract's
errors with the engine's own words. mlx-vlm is asked in this process and through the server it ships, which runs in a process of its own.
Importing this package imports no engine.
"""

from runtimeprobe_mlx.adapter import Mlx

__all__ = ["Mlx"]
