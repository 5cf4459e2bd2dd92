"""MLX: mlx-vlm and mlx-lm"""
