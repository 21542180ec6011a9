from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, prompt: str = Input(default="x"), width: int = Input(default=64, choices=[64, 128]), seed: int = Input(default=0)) -> str:
        if width > 64:
            raise MemoryError("no room for that width")
        return f"{prompt} {width} {seed}"
