from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def setup(self):
        self.before = ""

    def predict(self, prompt: str = Input(default="x"), seed: int = Input(default=0)) -> str:
        leaked = self.before if self.before != prompt else ""
        self.before = prompt
        return f"{prompt} {seed} {leaked}"
