from typing import List

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, prompt: str = Input(default="x"), seed: int = Input(default=0)) -> List[str]:
        return [f"{prompt} {seed} {n}" for n in range(1 + seed % 3)]
