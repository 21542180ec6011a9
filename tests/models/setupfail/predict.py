import time
from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def setup(self):
        print("about to fail")
        time.sleep(0.5)
        raise RuntimeError("weights not found")

    def predict(self, prompt: str = Input(default="x")) -> str:
        return prompt
