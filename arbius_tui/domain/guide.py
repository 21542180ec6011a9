"""Where the published guide (Adding Models) no longer works, and what to do instead, in the order of the guide.

Facts with their sources, read in the repository of Arbius at e0ed7bc2 (2025-10-08), in that of cog at 6110c912, in
issues that are named, or measured by us (jq 1.6, Kubo 0.42, cog 0.22 with Docker Engine 20.10 and 26.1). None of the
guide's own text is repeated but for names and commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Drift:
    """One place: the guide's section, what it asks for, what happens today, what to do instead, and how we know.

    `step` is the step of the wizard that does it right.
    """

    kind: ClassVar[str] = "drift"
    id: str
    section: str
    says: str
    today: str
    instead: str
    step: str
    source: str


SOFTWARE, MODEL, RUN, TEST = "Software requirements", "Cog model", "Build and run", "Verify reproducibility"
REPLICATE, SCHEMA, SETUP, FINAL = "Uploading to Replicate", "Template schema", "Set up Arbius", "Finalize the template"
UPLOAD, REGISTER, INTERFACE = "Upload to IPFS", "Register model", "Generate interface"

DRIFT = (
    Drift(
        "nvidia-docker",
        SOFTWARE,
        "install nvidia-docker",
        "it is no more: the NVIDIA Container Toolkit took its place, and docker must be told of it",
        "install nvidia-container-toolkit, then `sudo nvidia-ctk runtime configure --runtime=docker`",
        "checks",
        "docs.nvidia.com container-toolkit; replicate/cog issues 1036, 280",
    ),
    Drift(
        "docker-version",
        SOFTWARE,
        "nothing about docker's version",
        "on Engine 20.10 (Debian 12's own) a cog build runs to its last step and fails there",
        "Docker Engine 23 or later; 26.1 was seen to work",
        "checks",
        "run by us: cog 0.22 on Engines 20.10.24 and 26.1.5",
    ),
    Drift(
        "other-cog",
        SOFTWARE,
        "install cog",
        "`apt install cog` brings a web browser, PyPI's cogapp a code generator, `pip install cog` no command at all",
        "curl -fsSL https://cog.run/install.sh | sh",
        "checks",
        "Debian package cog 0.16.1-1; PyPI cogapp 3.6; replicate/cog",
    ),
    Drift(
        "nvm-yarn",
        SOFTWARE,
        "install nvm, node and yarn",
        "only the hardhat tasks and the website's preview want them, and the repository ships package-lock.json and no "
        "yarn.lock for its contracts",
        "nothing: the wizard registers without node; for a preview use npm",
        "checks",
        "arbius e0ed7bc2: contract/",
    ),
    Drift(
        "seed-range",
        MODEL,
        "take a seed that is an int",
        "miners send seeds from 0 to 9007199254740975 (2^53-17); numpy's seed() dies above 2^32-1, and the guide tries "
        "only 33111",
        "seed numpy with `seed % 2**32`, and try the largest seed as well",
        "seed_test",
        "arbius kasumi-3 utils.ts:16, gobius common/task.go; numpy issue 17079",
    ),
    Drift(
        "image-name",
        RUN,
        "docker run <your-model-name>",
        "plain `cog build` names the image cog-<folder>, lower case, at most 26 characters after it is cleaned",
        "name it: `cog build -t my-model`",
        "run",
        "replicate/cog 6110c912: pkg/config/image_name.go",
    ),
    Drift(
        "port-5000",
        RUN,
        "docker run -p 5000:5000",
        "that port is open to the whole network, and on macOS AirPlay has it",
        "publish to 127.0.0.1 and a free port, as the wizard does",
        "run",
        "docs.docker.com port publishing; cog's own docs use 5001",
    ),
    Drift(
        "false-pass",
        TEST,
        "pipe curl through jq, cut 22 characters, decode and hash",
        "the pipe ends well and prints a hash for every failed prediction (af000fd4..), every bare string and every "
        "JPEG (e3b0c442.., the hash of nothing); text is hashed up to its first blank only",
        "hash what was decoded, and only of a prediction that succeeded",
        "seed_test",
        "measured by us with jq 1.6",
    ),
    Drift(
        "first-file-only",
        TEST,
        "hash .output[0]",
        "with two files only the first is compared, and a model that returns one file outside a list has no .output[0]",
        "hash every output; return a list of exactly one",
        "seed_test",
        "measured by us; arbius gobius waiv120.go:347",
    ),
    Drift(
        "restart",
        TEST,
        "send the same seed twice",
        "hash() of text, a clock in a file and a generator that is seeded only at the start pass that test and fail "
        "after a restart",
        "repeat after a restart and a second later, and see that another seed differs",
        "seed_test",
        "nine models run by us on cog 0.23; arbius docs register-model, the note after the test",
    ),
    Drift(
        "one-gpu",
        TEST,
        "compare the hashes of one machine",
        "another GPU model gives other bytes for the same seed",
        "name the GPU in title or description, and prove it on the GPU miners will use",
        "seed_test",
        "semperai/arbius issue 13; docs register-model, the warning under meta",
    ),
    Drift(
        "model-first",
        REPLICATE,
        "cog push to r8.im",
        "a push to a model that was not created on the page first fails at its end, after the upload",
        "create it on replicate.com, `cog login`, then push",
        "publish",
        "replicate/cog issues 1221, 1519, 1976",
    ),
    Drift(
        "login-root",
        REPLICATE,
        "cog login",
        "`cog login` and then `sudo cog push` look into two configurations; a broken docker config.json is overwritten",
        "join the group docker instead of sudo; see that the file parses first",
        "checks",
        "replicate/cog issue 559; run by us",
    ),
    Drift(
        "digest",
        REPLICATE,
        "take the link of cog push",
        "every push gives another digest, also of the same image",
        "take the digest of the last push, and put it into meta.docker",
        "publish",
        "run by us: cog 0.22, two pushes of one image",
    ),
    Drift(
        "seed-in-template",
        SCHEMA,
        "list each input",
        "seed must not be listed: miners set it themselves, and no template of the repository has it",
        "leave it out",
        "template",
        "arbius miner index.ts; templates/",
    ),
    Drift(
        "types",
        SCHEMA,
        "five types of inputs",
        "miners and websites disagree: kasumi refuses fractions in a decimal, website2 knows float and bool, and 2 of "
        "the 8 templates of the repository follow the guide",
        "the wizard's check names each reader that would refuse an input",
        "template",
        "arbius kasumi utils.ts:97, website2 types, templates/",
    ),
    Drift(
        "bridges",
        SETUP,
        "bridge with one of these",
        "the list is gone from the copies of the guide, and one of its bridges (Multichain) was shut down in 2023",
        "https://bridge.arbitrum.io",
        "wallet",
        "arbius docs register-model",
    ),
    Drift(
        "key-in-env",
        SETUP,
        "put the private key into .env",
        "it lies there in plain text, and must be without 0x there, which is not said",
        "keep it in an encrypted keystore or the system's keyring",
        "wallet",
        "NomicFoundation/hardhat issue 2265; arbius docs",
    ),
    Drift(
        "fresh-clone",
        SETUP,
        "clone, install, run the task",
        "a fresh clone runs no task at all: it imports config.local.json, which git ignores",
        "register without hardhat: step 9, or `arbius-tui register`",
        "register",
        "arbius e0ed7bc2: contract/",
    ),
    Drift(
        "jq-same-file",
        FINAL,
        "cat FILE | jq -c > the same FILE",
        "it emptied the file in 4 of 20 runs, and jq 1.6 rewrites numbers (1.0 to 1, 9007199254740993 to ..992), so "
        "that the CID depends on jq's version",
        "the wizard writes the file whole and keeps every number as it is spelled",
        "template",
        "measured by us with jq 1.6",
    ),
    Drift(
        "size-limit",
        FINAL,
        "nothing about a limit",
        "the engine takes 65,536 bytes and reverts above; the hardhat task lets 262,144 through",
        "stay below 65,536; the counter of step 6 shows it",
        "template",
        "arbius libraries/IPFS.sol:39, tasks/index.ts:518",
    ),
    Drift(
        "ipfs-add",
        UPLOAD,
        "ipfs add FILE",
        "new repositories may have the profile unixfs-v1-2025: it gives bafkrei.., another hash than the engine's Qm..",
        "ipfs add --cid-version=0 --raw-leaves=false --chunker=size-262144 FILE",
        "pin",
        "ipfs-desktop PR 3195, kubo PR 8185, issue 6947; run by us with Kubo 0.42",
    ),
    Drift(
        "local-pin",
        UPLOAD,
        "others will mirror it",
        "a daemon that is off, offline or behind a router has it stored and nobody can fetch it",
        "look whether a second node or a gateway gives it out",
        "pin",
        "kubo issues 6055, 6385",
    ),
    Drift(
        "nova",
        REGISTER,
        "hardhat --network nova model:register",
        "Nova is left and its network commented out; the task was deleted in 2024 and is engine:registerModel now",
        "register on Arbitrum One (42161): step 9, or `arbius-tui register`",
        "register",
        "arbius b8ddb88d, 90ce3ff3: contract/tasks/index.ts, hardhat.config.ts",
    ),
    Drift(
        "address-one",
        REGISTER,
        "--address 0x..01",
        "it gives the model away for good: nobody can set its fee or address again, and its share of fees is burned",
        "your own address; it can be changed later",
        "register",
        "arbius V2_EngineV6.sol:398",
    ),
    Drift(
        "fee-unit",
        REGISTER,
        "--fee 0",
        "the old task takes wei and the new one AIUS, a factor of 10^18 under one name; it is never ETH",
        "the wizard shows AIUS and wei side by side",
        "register",
        "arbius contract/tasks/index.ts at b8ddb88d and 90ce3ff3",
    ),
    Drift(
        "add-the-following",
        REGISTER,
        "follow the printed instructions for config.json",
        "today's task prints none, and nothing live reads that file",
        "step 10 makes the entry; who reads what is listed there",
        "wire_in",
        "arbius e0ed7bc2: contract/scripts/config.json",
    ),
    Drift(
        "allow-lists",
        REGISTER,
        "tasks for allow lists (newer copies of the guide)",
        "registerModelWithAllowList and five more are only functions of the contract, not one of them is a task",
        "call the contract; an allow list can be set at registration only",
        "register",
        "arbius e0ed7bc2: 0 hits for AllowList in tasks/",
    ),
    Drift(
        "generate-page",
        INTERFACE,
        "edit the page, then open /generate",
        "the page is gone since 2025-04; its edits belonged into website/src/models.ts, and website2 and the explorer "
        "need others",
        "templates/<key>.json, the explorer's copy and mapping, website2's list of models",
        "wire_in",
        "arbius d1011127, 524f4909, 11d362eb",
    ),
    Drift(
        "gobius",
        INTERFACE,
        "ask miners to enable it",
        "today's miner has one hand-written Go file for each model: registering is not enough to be mined there",
        "hand over id, CID, template, image digest, GPU, driver and one known answer",
        "after",
        "arbius gobius; docs mining",
    ),
)
"""All of them, in the order of the guide."""
