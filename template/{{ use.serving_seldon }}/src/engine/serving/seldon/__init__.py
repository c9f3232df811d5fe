"""MLServer, the inference server of Seldon Core 2, over the champion."""
