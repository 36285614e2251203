"""Fine-tune a model by LoRA on folders of `scai export`: imitate the answers first, then prefer the better ones."""

import argparse

import torch
from datasets import load_dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model", help="the base model: a name at the Hub, or a folder")
parser.add_argument("answers", help="folder of `scai export --format sft-prompt-completion`")
parser.add_argument("out", help="folder for the adapters: OUT/sft, and with --pairs OUT/dpo")
parser.add_argument("--pairs", help="folder of `scai export --format dpo`; without it only the answers are imitated")
parser.add_argument("--gguf", help="the GGUF file in the model's folder, if it has its weights in one")
parser.add_argument("--dtype", default="bfloat16", help="of the base model; float32 for CPUs without bfloat16")
parser.add_argument("--epochs", type=float, default=1.0)
parser.add_argument("--learning-rate", type=float, default=2e-4, help="of SFT; DPO learns at a tenth of it")
asked = parser.parse_args()

on_gpu = torch.cuda.is_available()
files = {"gguf_file": asked.gguf, "quantization_config": GgufConfig(dequantize=True)} if asked.gguf else {}
tokenizer = AutoTokenizer.from_pretrained(asked.model, gguf_file=asked.gguf)
base = AutoModelForCausalLM.from_pretrained(asked.model, dtype=asked.dtype, **files)
settings = {
    "num_train_epochs": asked.epochs,
    "per_device_train_batch_size": 2,
    "max_length": 2048,
    "bf16": on_gpu,
    "gradient_checkpointing": on_gpu,  # saves memory, takes time
    "logging_steps": 10,
    "save_strategy": "no",
    "report_to": "none",
}

sft = SFTTrainer(
    base,
    args=SFTConfig(f"{asked.out}/sft", learning_rate=asked.learning_rate, **settings),
    train_dataset=load_dataset(asked.answers, split="train"),
    processing_class=tokenizer,
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
)
sft.train()
sft.save_model()
if asked.pairs:
    model = PeftModel.from_pretrained(sft.model.unload(), f"{asked.out}/sft", is_trainable=True)
    dpo = DPOTrainer(
        model,
        args=DPOConfig(f"{asked.out}/dpo", learning_rate=asked.learning_rate / 10, **settings),
        train_dataset=load_dataset(asked.pairs, split="train"),
        processing_class=tokenizer,
    )
    dpo.train()
    dpo.save_model()
