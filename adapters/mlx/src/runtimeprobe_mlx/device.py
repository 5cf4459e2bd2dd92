"""Where MLX computes."""


def choose(name: str) -> None:
    """Sets the device, "cpu" or "gpu", for this process. Before the engine is imported: it makes its stream when it is."""
    import mlx.core as mx

    mx.set_default_device(mx.Device({"cpu": mx.DeviceType.cpu, "gpu": mx.DeviceType.gpu}[name]))


def describe() -> str:
    """Such as "Metal (Apple M3 Max)" or "CPU (AMD EPYC)"."""
    import mlx.core as mx

    on_cpu = mx.default_device() == mx.Device(mx.DeviceType.cpu)
    kind = "CPU" if on_cpu else "Metal" if mx.metal.is_available() else "GPU"
    owner = mx if hasattr(mx, "device_info") else mx.metal  # mx.device_info is the newer of the two
    try:
        name = str(owner.device_info().get("device_name", ""))
    except (AttributeError, RuntimeError):
        name = ""
    return f"{kind} ({name})" if name else kind
