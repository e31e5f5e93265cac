"""A training by PyTorch Lightning or transformers with a watch; run in the environment of these packages.

`python trainer_loops.py SOURCE PACKAGES LOOP FOLDER`: the source folder of whyset, the folder of packages with torch,
"lightning" or "hugging_face", and the folder of the runs. Prints a JSON object: the watched epochs, and a hash of the
weights with and without the watch.
"""

import hashlib
import json
import sys
import warnings


def make_data():
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(80, 3, 8, 8, generator=generator)
    return x, (x[:, 0].mean((1, 2)) > 0).long()


def make_net():
    import torch
    from torch import nn

    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 2)
    )


def make_watch(folder):
    import whyset

    x, y = make_data()
    dataset = [(image, int(label)) for image, label in zip(x, y, strict=True)]
    return whyset.Watch(dataset, folder, every=2, test=whyset.EffectTest(budget=None, n_hosts=2), progress=False)


def train_by_lightning(watch):
    import pytorch_lightning as lightning
    import torch
    import torch.nn.functional as F

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = make_net()

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, _):
            return F.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Module()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*make_data()), batch_size=20, shuffle=True)
    trainer = lightning.Trainer(
        max_epochs=4, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[watch.lightning()] if watch else [],
    )  # fmt: skip
    torch.manual_seed(1)
    trainer.fit(module, loader)
    return module


def train_by_hugging_face(watch):
    import tempfile

    from torch import nn
    from transformers import Trainer, TrainingArguments

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = make_net()

        def forward(self, x, labels=None):
            logits = self.net(x)
            if labels is None:
                return {"logits": logits}
            return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}

    x, y = make_data()
    data = [{"x": image, "labels": label} for image, label in zip(x, y, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=4, per_device_train_batch_size=20, learning_rate=0.1, optim="sgd", seed=1,
            report_to=[], save_strategy="no", use_cpu=True, disable_tqdm=True, logging_strategy="no",
        )  # fmt: skip
        model = Classifier()
        callbacks = [watch.hugging_face()] if watch else []
        Trainer(model, arguments, train_dataset=data, callbacks=callbacks).train()
    return model


def hash_weights(model):
    content = b"".join(value.detach().numpy().tobytes() for value in model.state_dict().values())
    return hashlib.sha256(content).hexdigest()


def main(loop, folder):
    from whyset.store.watched import list_epochs

    train = {"lightning": train_by_lightning, "hugging_face": train_by_hugging_face}[loop]
    watched, alone = train(make_watch(folder)), train(None)
    print(json.dumps({"epochs": list_epochs(folder), "hashes": [hash_weights(watched), hash_weights(alone)]}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.path.insert(0, sys.argv[1])
    sys.path.append(sys.argv[2])
    main(sys.argv[3], sys.argv[4])
