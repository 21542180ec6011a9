from datetime import datetime

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, prompt: str = Input(default="x"), seed: int = Input(default=0)) -> str:
        return f"{prompt} {seed}, made at {datetime.now().isoformat()}"
