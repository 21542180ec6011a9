import time
from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, seed: int = Input(default=0)) -> str:
        print("working", flush=True)
        time.sleep(1)
        return f"seed {seed}"
