"""Fine-tune a model on two folders of `scai export`: imitate the answers first, then prefer the better ones."""

import sys

import torch
from datasets import load_dataset
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

model, answers, pairs, out = sys.argv[1:]
settings = {"max_length": 2048, "bf16": torch.cuda.is_available()}
rows = load_dataset(answers, split="train")
sft = SFTTrainer(model, args=SFTConfig(f"{out}/sft", **settings), train_dataset=rows)
sft.train()
sft.save_model()
rows = load_dataset(pairs, split="train")
dpo = DPOTrainer(f"{out}/sft", args=DPOConfig(f"{out}/dpo", **settings), train_dataset=rows)
dpo.train()
dpo.save_model()
