from kaggle_evaluation.core import InferenceServer


class AIMO3InferenceServer(InferenceServer):
    pass
