"""One epoch of joint training on real users: ours, and the same network in PyTorch."""

import pathlib
import re
import statistics
import tempfile
import time
from collections import Counter

import numpy as np
import torch
from torch import nn

from common import THREADS, machine, medians, read_users, row

torch.set_num_threads(THREADS)

USERS, BATCH, VOCABULARY = 512, 32, 20_000
INPUT, DENSE = 200, 32
RATE = 0.002
# Most words of a user, and the units of the shared LSTM and of each main one.
WINDOW, SHARED, MAIN = 700, 64, 32
# The same for batches of unequal lengths; there, all LSTMs have the same number of units. With longer texts, the gates of a batch
# could take more than the 2 GiB that some GPUs give to one buffer.
UNEQUAL_WINDOW, UNEQUAL_UNITS = 4000, (64, 128, 256)


def read(corpus, window, by_length):
    """The first USERS users of a corpus: up to `window` word ids each, and the classes of three tasks. The users are ordered by
    the lengths of their texts, as in training, or at random."""
    users = [user for _, user in zip(range(USERS), read_users(corpus))]
    texts = [re.findall(r"[^\W_]+|[^\w\s]", " ".join(user["posts"]).lower())[:window] for user in users]
    common = Counter(word for text in texts for word in text).most_common(VOCABULARY - 2)
    ids = {word: number for number, (word, _) in enumerate(common, 2)}
    labels = []
    for name in ("profession", "age", "gender"):
        classes = {value: number for number, value in enumerate(sorted({str(user.get(name)) for user in users if user.get(name)}))}
        labels.append((len(classes), [classes.get(str(user.get(name)), -1) for user in users]))
    order = [number for number in range(len(users)) if texts[number]]
    if by_length:
        # Texts of similar length share a batch.
        order.sort(key=lambda number: len(texts[number]))
    else:
        np.random.default_rng(4).shuffle(order)
    return [[ids.get(word, 1) for word in texts[n]] for n in order], [(count, [of[n] for n in order]) for count, of in labels]


class Lstm(nn.Module):
    """The mean hidden state, with our layout of parameters. The sequences are packed, or padded and masked afterwards; which
    one is faster depends on how similar the lengths are."""

    def __init__(self, parameters, name, hidden):
        super().__init__()
        self.lstm = nn.LSTM(INPUT, hidden, batch_first=True)

        def gates(values, rows):
            i, f, o, g = np.split(values.reshape(rows, 4 * hidden), 4, axis=1)
            return torch.from_numpy(np.concatenate([i, f, g, o], axis=1).T.copy())

        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(gates(parameters(f"{name}.input", INPUT * 4 * hidden), INPUT))
            self.lstm.weight_hh_l0.copy_(gates(parameters(f"{name}.recurrent", hidden * 4 * hidden), hidden))
            self.lstm.bias_ih_l0.copy_(gates(parameters(f"{name}.bias", 4 * hidden), 1)[:, 0])
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, words, lengths):
        states = self.lstm(words)[0]
        if isinstance(states, nn.utils.rnn.PackedSequence):
            states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        else:
            states = states * (torch.arange(states.shape[1], device=states.device) < lengths[:, None])[:, :, None]
        return states.sum(dim=1) / lengths[:, None]


def linear(parameters, name, size, to):
    made = nn.Linear(size, to)
    with torch.no_grad():
        made.weight.copy_(torch.from_numpy(parameters(f"{name}.weight", size * to).reshape(size, to).T.copy()))
        made.bias.copy_(torch.from_numpy(parameters(f"{name}.bias", to)))
    return made


class AuxLstm(nn.Module):
    """Eq. 11-14 and 17 without dropout and softmax: main tasks over one shared LSTM."""

    def __init__(self, parameters, classes, shared, main):
        super().__init__()
        self.shared = Lstm(parameters, "auxiliary", shared)
        self.tasks = nn.ModuleList()
        for number, count in enumerate(classes):
            name = f"tasks.{number}"
            task = nn.Module()
            task.lstm = Lstm(parameters, f"{name}.lstm", main)
            task.auxiliary_dense = linear(parameters, f"{name}.auxiliary_dense", shared, DENSE)
            task.dense = linear(parameters, f"{name}.dense", main + DENSE, DENSE)
            task.output = linear(parameters, f"{name}.output", DENSE, count)
            self.tasks.append(task)

    def forward(self, words, lengths, packs):
        if packs:
            words = nn.utils.rnn.pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        lengths = lengths.to(words.data.device)
        shared = self.shared(words, lengths)
        logits = []
        for task in self.tasks:
            both = torch.cat([task.lstm(words, lengths), task.auxiliary_dense(shared).relu()], dim=1)
            logits.append(task.output(task.dense(both).relu()))
        return logits


def torch_epoch(texts, labels, table, network, packs, device):
    network = network.to(device)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=RATE, eps=1e-5)
    table, classes = torch.from_numpy(table).to(device), [torch.tensor(of, device=device) for _, of in labels]
    start, losses = time.perf_counter(), []
    for first in range(0, len(texts), BATCH):
        batch = [torch.tensor(text) for text in texts[first : first + BATCH]]
        lengths = torch.tensor([len(text) for text in batch])
        words = table[nn.utils.rnn.pad_sequence(batch, batch_first=True).to(device)]
        loss = 0
        for logits, of in zip(network(words, lengths, packs), classes):
            of = of[first : first + BATCH]
            if (of >= 0).any():
                loss = loss + nn.functional.cross_entropy(logits, of, ignore_index=-1)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return (time.perf_counter() - start) * 1e3, losses


def run(program, runs, corpus, device):
    """`device` is a name that `auxlstm --device` takes. PyTorch runs on the same device; on a GPU, our CPU kernels are measured too."""
    return compare(program, runs, read(corpus, WINDOW, by_length=True), SHARED, MAIN, device, also_on_cpu=device != "cpu")


def run_unequal(program, runs, corpus, device):
    """Batches of users at random, whose texts have unequal lengths."""
    users = read(corpus, UNEQUAL_WINDOW, by_length=False)
    return [row for units in UNEQUAL_UNITS for row in compare(program, runs, users, units, units, device)]


def compare(program, runs, users, shared, main, device, also_on_cpu=False):
    """An epoch over these users with LSTMs of these sizes, after a check of the losses."""
    on_gpu = device != "cpu"
    # cuDNN would use TF32 by default, which is not float32.
    torch.backends.cudnn.allow_tf32 = False
    texts, labels = users
    classes = [count for count, _ in labels]
    random = np.random.default_rng(3)
    # Vectors as in a bundle: integers up to 127, times a scale.
    table = random.integers(-127, 128, (VOCABULARY, INPUT))
    table[:, 0], table[0] = 127, 0
    table = table.astype(np.float32) * np.float32(0.004)
    with tempfile.TemporaryDirectory() as name:
        folder, made = pathlib.Path(name), {}
        table.tofile(folder / "table")
        np.array([word for text in texts for word in text], np.int32).tofile(folder / "ids")
        np.array([len(text) for text in texts], np.int32).tofile(folder / "lengths")
        for number, (_, of) in enumerate(labels):
            np.array(of, np.int32).tofile(folder / f"labels.{number}")

        def parameters(name, count):
            if name not in made:
                made[name] = random.uniform(-0.1, 0.1, count).astype(np.float32)
                made[name].tofile(folder / name)
            return made[name]

        request = {"folder": name, "input": INPUT, "shared_hidden": shared, "main_hidden": main, "dense": DENSE}
        request |= {"classes": classes, "batch": BATCH, "learning_rate": RATE}
        network = lambda: AuxLstm(parameters, classes, shared, main)
        epoch = lambda packs: torch_epoch(texts, labels, table, network(), packs, "cuda" if on_gpu else "cpu")
        ours = lambda device: program.ask({"epoch": request | {"device": device}})
        for packs in (True, False):
            (_, theirs), losses = epoch(packs), ours(device)["losses"]
            worst = max(abs(a - b) / b for a, b in zip(losses, theirs))
            if len(losses) != len(theirs) or worst > 1e-3:
                raise SystemExit(f"epoch: losses of a batch differ by {worst:.1e}, {losses[:3]} and {theirs[:3]} first")
        version = torch.__version__.split("+")[0]
        systems = {
            "ours": lambda: ours(device)["ms"],
            ("PyTorch, packed sequences", version): lambda: epoch(True)[0],
            ("PyTorch, padded and masked", version): lambda: epoch(False)[0],
        }
        if also_on_cpu:
            systems["ours on the CPU", machine(THREADS)] = lambda: ours("cpu")["ms"]
        median = medians(systems, runs)
    lengths = [len(text) for text in texts]
    case = (
        f"Aux-LSTM, one epoch over {len(texts)} users ({sum(lengths):,} words, {min(lengths):,} to {max(lengths):,} per user, median "
        f"{statistics.median(lengths):,.0f}), batch {BATCH}, three main LSTMs of {main} units and a shared one of {shared}"
    )
    where = f"{torch.cuda.get_device_name(0)}, {device}" if on_gpu else machine(THREADS)
    return [row(case, median["ours"], *peer, ms, where) for peer, ms in median.items() if peer != "ours"]
