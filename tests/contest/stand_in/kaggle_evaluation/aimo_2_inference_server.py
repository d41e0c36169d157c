from kaggle_evaluation.core import InferenceServer


class AIMO2InferenceServer(InferenceServer):
    pass
