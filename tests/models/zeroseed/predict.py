import random

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, prompt: str = Input(default="x"), seed: int = Input(default=0)) -> str:
        if not seed:
            seed = random.SystemRandom().randrange(2**31)
        return f"{prompt} {seed}"
