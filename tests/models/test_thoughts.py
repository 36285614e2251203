"""What a server sends, in every shape, becomes the answer, its thoughts and its end."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_cli.messages import ChatRequest, Message, Usage, ending
from scai_cli.models.thoughts import split_thoughts
from scai_cli.models.wire import BodyError, FilterError, read_completion

REQUEST = ChatRequest("c1", "user", "rating", "tiny", (Message("user", "Hello"),))
THOUGHT = "I first thought of {rating: 2}.\n\nBut no: 8."
ANSWER = "Brew it for three minutes."
OPEN, FINAL = "<|channel|>analysis<|message|>", "<|start|>assistant<|channel|>final<|message|>"

# Texts with thoughts: the thoughts of each are THOUGHT, the answer is ANSWER.
WITH_THOUGHTS = {
    "think": f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}",
    "think on one line": f"<think>{THOUGHT}</think>{ANSWER}",
    "capitals, white space, an attribute": f' \n<Think effort="high">{THOUGHT}</Think >\n{ANSWER}',
    "another name": f"<thinking>\n{THOUGHT}\n</thinking>\n{ANSWER}",
    "thought": f"<thought>{THOUGHT}</thought>\n{ANSWER}",
    "reasoning": f"<reasoning>{THOUGHT}</reasoning>\n{ANSWER}",
    "a prefix": f"<seed:think>{THOUGHT}</seed:think>{ANSWER}",
    "a token after a prefix": f"<seed:think>{THOUGHT}</seed:think>{ANSWER}<seed:eos>",
    "a longer name": f"<longcat_think>\n{THOUGHT}\n</longcat_think>\n{ANSWER}",
    "a longer name without a start": f"{THOUGHT}\n</think_fast>\n{ANSWER}",
    "analysis": f"<analysis>\n{THOUGHT}\n</analysis>\n{ANSWER}",
    "spaces in the tags": f"< think>\n{THOUGHT}\n</ think>\n{ANSWER}",
    "tokens": f"<|think|>{THOUGHT}<|/think|>{ANSWER}",
    "tokens with start and end": f"<|reasoning_start|>{THOUGHT}<|reasoning_end|>{ANSWER}",
    "tokens in small letters": f"<|start_thinking|>{THOUGHT}<|end_thinking|>{ANSWER}",
    "an end token of another kind": f"<think>{THOUGHT}<｜end▁of▁thinking｜>{ANSWER}",
    "a text's start before the thoughts": f"<｜begin▁of▁sentence｜><think>{THOUGHT}</think>{ANSWER}",
    "channels without messages": f"<|channel|>analysis\n{THOUGHT}\n<|channel|>final\n{ANSWER}",
    "an output": f"<thinking>{THOUGHT}</thinking>\n<output>\n{ANSWER}\n</output>",
    "an end with another name": f"<thinking>{THOUGHT}</think>\n{ANSWER}",
    "an end without a start": f"{THOUGHT}\n</think>\n\n{ANSWER}",
    "an end without a start or line ends": f"{THOUGHT}</think>{ANSWER}",
    "an end without a start, and no line end before it": f"{THOUGHT} </think>\n{ANSWER}",
    "magistral": f"[THINK]{THOUGHT}[/THINK]{ANSWER}",
    "magistral without a start": f"{THOUGHT}[/THINK]{ANSWER}",
    "kimi": f"◁think▷{THOUGHT}◁/think▷{ANSWER}",
    "begin of thought": f"<|begin_of_thought|>\n{THOUGHT}\n<|end_of_thought|>\n\n"
    f"<|begin_of_solution|>{ANSWER}<|end_of_solution|>",
    "command": f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>",
    "channels": f"{OPEN}{THOUGHT}<|end|>{FINAL}{ANSWER}<|return|>",
    "channels after a turn's start": f"<|start|>assistant{OPEN}{THOUGHT}<|end|>{FINAL}{ANSWER}<|end|>",
    "channels and a constraint": f"{OPEN}{THOUGHT}<|end|><|start|>assistant<|channel|>final "
    f"<|constrain|>json<|message|>{ANSWER}",
    "channels without markers": f"analysis{THOUGHT}assistantfinal{ANSWER}",
    "granite": f"Here is my thought process:\n\n{THOUGHT}\n\nHere is my response:\n\n{ANSWER}",
    "gemma": f"<|channel>thought\n{THOUGHT}<channel|>{ANSWER}<turn|>",
    "medgemma": f"<unused94>thought\n{THOUGHT}<unused95>{ANSWER}",
    "details": f'<details type="reasoning" done="true">\n{THOUGHT}\n</details>\n{ANSWER}',
    "a wrapped answer": f"<think>{THOUGHT}</think>\n<answer>\n{ANSWER}\n</answer>",
    "a template's turn": f"<|im_start|>assistant\n<think>{THOUGHT}</think>\n{ANSWER}<|im_end|>",
    "a new turn after the thoughts": f"<think>{THOUGHT}</think><|im_end|>\n<|im_start|>assistant\n{ANSWER}",
    "after the answer": f"{ANSWER}\n<think>\n{THOUGHT}\n</think>",
    "after the answer, cut off": f"{ANSWER}\n\n<think>\n{THOUGHT}",
}

# Texts without thoughts -> the answer that they are.
WITHOUT_THOUGHTS = {
    text: text
    for text in (
        ANSWER,
        "  It keeps its white space.\n",
        "The tag <think> opens thoughts, and </think> closes them.",
        "`<think>` opens thoughts.\n`</think>` closes them.",
        'Stop at "</think>" and go on.',
        "Close them with </think>.",
        "Close them with </think> at the end.",
        "用 </think> 结束。",
        "Models write this:\n```xml\n<think>\nHm.\n</think>\n```\nThen the answer follows.",
        "```\nHm.\n</think>\n```\nshows an end alone.",
        "Wrap the draft as <think>draft</think> and the rest follows.",
        '{"feedback": "You forgot the </think> tag.", "rating": 8}',
        "<details>\n<summary>More</summary>\nText\n</details>\n\nIs it clear?",
        "Write <thinking>...</thinking> only if asked.",
        "<answer>yes</answer>\n<reasoning>It is short.</reasoning>",
        "<p>A paragraph.</p>",
        "ChatML writes `<|im_end|>` after a turn.",
        "The token <|im_end|> ends a turn.",
        "The text ends with [EOS]",
        "```\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n```\nis a prompt in ChatML.",
        "<s>old</s> new",
        "The price was <s>5</s>",
        "if a < b: print([INST_1])",
        "analysis of the weather: dry",
        "Here is my thought process: I try one thing first.",
    )
}
TOKENS = {
    f"{ANSWER}<|im_end|>": ANSWER,
    f"{ANSWER} <|eot_id|>\n": ANSWER,
    f"{ANSWER}</s>": ANSWER,
    f"<s> {ANSWER}</s>": ANSWER,
    f"{ANSWER}<end_of_turn>\n<eos>": ANSWER,
    f"{ANSWER}<|endoftext|>Human: Another text": ANSWER,
    f"{ANSWER}<|im_end|>\n<|im_start|>user\nThanks, bye!<|im_end|>": ANSWER,
    f"{ANSWER}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThanks": ANSWER,
    f"{ANSWER}\n<start_of_turn>user\nThanks": ANSWER,
    f"{ANSWER}\n[INST] Thanks [/INST] Bye": ANSWER,
    f"{ANSWER}<｜end▁of▁sentence｜>": ANSWER,
    f"{ANSWER}[|endofturn|]": ANSWER,
    f"{ANSWER}[e~[": ANSWER,
    f"{ANSWER}[EOS]": ANSWER,
    f"{ANSWER}<pad><pad>": ANSWER,
    f"{ANSWER}<|im_end": ANSWER,
    f"{ANSWER}<|some_new_token|>": ANSWER,
    f"<|start_header_id|>assistant<|end_header_id|>\n\n{ANSWER}": ANSWER,
    "<|im_start|>user\nThanks": "",
}
NOTHING_BUT_THOUGHTS = {
    "a start without an end": f"<think>\n{THOUGHT}",
    "nothing after the end": f"<think>{THOUGHT}</think>\n \n",
    "nothing after a lone end": f"{THOUGHT}\n</think>",
    "no final channel": f"{OPEN}{THOUGHT}<|end|>",
    "channels without markers and end": f"analysis{THOUGHT}",
    "a token after the thoughts": f"<think>{THOUGHT}</think><|im_end|>",
}


@pytest.mark.parametrize("text", WITH_THOUGHTS.values(), ids=WITH_THOUGHTS)
def test_thoughts_are_apart_from_the_answer(text):
    parts = split_thoughts(text)
    assert (parts.answer, parts.thoughts.removesuffix("<|end|>")) == (ANSWER, THOUGHT)
    assert text[parts.start :].startswith(ANSWER)


@pytest.mark.parametrize(("text", "answer"), [*WITHOUT_THOUGHTS.items(), *TOKENS.items()])
def test_an_answer_without_thoughts_keeps_its_words(text, answer):
    parts = split_thoughts(text)
    assert (parts.answer, parts.thoughts) == (answer, "")
    assert text[parts.start :].startswith(answer)


@pytest.mark.parametrize("text", WITHOUT_THOUGHTS)
def test_an_answer_after_thoughts_keeps_its_words(text):
    parts = split_thoughts(f"<think>\n{THOUGHT}\n</think>\n\n{text}")
    assert (parts.answer.strip(), parts.thoughts) == (text.strip(), THOUGHT)


@pytest.mark.parametrize("text", NOTHING_BUT_THOUGHTS.values(), ids=NOTHING_BUT_THOUGHTS)
def test_thoughts_alone_are_an_empty_answer(text):
    parts = split_thoughts(text)
    assert (parts.answer, parts.thoughts.removesuffix("<|end|>")) == ("", THOUGHT)


def test_several_blocks_are_all_thoughts():
    text = f"<think>One.</think>\n<thinking>Two.</thinking>{ANSWER} <think>Three.</think>"
    assert split_thoughts(text) == (ANSWER, "One.\n\nTwo.\n\nThree.", text.index(ANSWER))
    nested = f"<think>One <think>two</think> three</think>{ANSWER}"
    assert split_thoughts(nested).answer == ANSWER


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000", "\u200b", "\ufeff\n", "<think>Hm.</think>\u200b"])
def test_a_text_without_anything_visible_is_an_empty_answer(text):
    assert split_thoughts(text).answer == ""


_PIECES = (
    "<think>",
    "</think>",
    "`",
    "```\n",
    "\n",
    " ",
    "a. ",
    "{}",
    "[THINK]",
    "<|im_end|>",
    "</s>",
    "assistant",
    *WITH_THOUGHTS.values(),
)


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_no_text_is_invented(text):
    parts = split_thoughts(text)
    assert len(parts.answer) + len(parts.thoughts) <= len(text) + 2 * text.count("<")
    assert not parts.answer.lstrip().startswith("<think>")


@pytest.mark.parametrize(
    "piece",
    ["<think>", "x </think>", "</think> a", "<think></think>", ". <think>\n", "```</think>", "<|im_end|> a", "</s> "],
)
def test_no_text_takes_long(piece):
    """A quadratic search would take minutes for this."""
    split_thoughts(piece * (50_000 // len(piece)))


def body(content="", *, finish="stop", usage=None, **more):
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": finish, **more.pop("choice", {})}
    return {"choices": [choice], "usage": usage, **more}


def read(sent):
    data = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    answer = read_completion(data, REQUEST)
    return answer.text, answer.thoughts, answer.finish_reason


TEXT_PART, HM = {"type": "text", "text": ANSWER}, "Hm, tea."
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": HM}]}
SHAPES = {
    "a text": (body(ANSWER), ANSWER, ""),
    "tags": (body(f"<think>{HM}</think>{ANSWER}"), ANSWER, HM),
    "reasoning_content": (body(ANSWER, message={"reasoning_content": HM}), ANSWER, HM),
    "reasoning": (
        body(ANSWER, message={"reasoning": HM, "reasoning_details": [{"type": "reasoning.text", "text": HM}]}),
        ANSWER,
        HM,
    ),
    "details alone": (
        body(ANSWER, message={"reasoning_details": [{"type": "reasoning.summary", "summary": HM}]}),
        ANSWER,
        HM,
    ),
    "null beside thoughts": (body(None, message={"reasoning_content": HM}), "", HM),
    "both": (body(f"<think>Two.</think>{ANSWER}", message={"reasoning": HM}), ANSWER, f"{HM}\n\nTwo."),
    "parts": (body([THINKING, TEXT_PART]), ANSWER, HM),
    "parts with plain thoughts": (body([{"type": "reasoning", "reasoning": HM}, TEXT_PART]), ANSWER, HM),
    "a summary": (
        body([{"type": "reasoning", "summary": [{"type": "summary_text", "text": HM}]}, TEXT_PART]),
        ANSWER,
        HM,
    ),
    "parts that are texts": (body(["Brew it ", {"type": "output_text", "text": "for three minutes."}]), ANSWER, ""),
    "one part alone": (body(TEXT_PART), ANSWER, ""),
    "parts with another type for thoughts": (body([{"type": "reasoning_text", "text": HM}, TEXT_PART]), ANSWER, HM),
    "parts without types": (body([{"reasoning": HM}, {"text": ANSWER, "thoughtSignature": "x9"}]), ANSWER, HM),
    "a part that is marked": (body([{"text": HM, "thought": True}, {"text": ANSWER}]), ANSWER, HM),
    "thoughts alone in parts": (body([THINKING]), "", HM),
    "encrypted thoughts": (body([{"type": "redacted_thinking", "data": "x9"}, TEXT_PART]), ANSWER, ""),
    "null": (body(None), "", ""),
    "absent": ({"choices": [{"message": {"role": "assistant"}}]}, "", ""),
    "white space": (body("\n\n"), "", ""),
    "no parts": (body([]), "", ""),
}


@pytest.mark.parametrize(("sent", "text", "thoughts"), SHAPES.values(), ids=SHAPES)
def test_every_shape_of_an_answer_is_read(sent, text, thoughts):
    assert read(sent) == (text, thoughts, "stop")


def test_an_empty_answer_keeps_how_it_ended():
    assert read(body("", finish="length", message={"reasoning": HM})) == ("", HM, "length")
    assert read(body(None, message={"refusal": "I will not."})) == ("I will not.", "", "refusal")
    called = body(None, finish="stop", message={"tool_calls": [{"type": "function"}]})
    assert read(called) == ("", "", "tool_calls")


ODD = {
    "a number for a model": (body(ANSWER, model=7, id=3, created="now"), None),
    "a list for a usage": (body(ANSWER, usage=[1]), None),
    "numbers as texts": (body(ANSWER, usage={"prompt_tokens": "100", "completion_tokens": 1.6}), Usage(100, 2)),
    "odd numbers": (body(ANSWER, usage={"prompt_tokens": "many", "completion_tokens": -3}), Usage(2, 0)),
    "cached": (
        body(ANSWER, usage={"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}),
        Usage(9, 1, 4),
    ),
    "cached at deepseek": (
        body(ANSWER, usage={"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 8}),
        Usage(9, 1, 8),
    ),
    "cached apart": (
        body(ANSWER, usage={"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": 30}),
        Usage(39, 1, 30),
    ),
    "null details": (
        body(ANSWER, usage={"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None}),
        Usage(9, 1),
    ),
}


@pytest.mark.parametrize(("sent", "usage"), ODD.values(), ids=ODD)
def test_an_odd_type_throws_no_paid_answer_away(sent, usage):
    answer = read_completion(json.dumps(sent).encode(), REQUEST)
    assert answer.text == ANSWER
    assert usage is None or answer.usage == usage


WHOLE = json.dumps(body(ANSWER)).encode()
CHUNKS = [
    {"choices": [{"delta": {"role": "assistant", "reasoning_content": HM}}]},
    {"choices": [{"delta": {"content": "Brew it "}}]},
    {"choices": [{"delta": {"content": "for three minutes."}, "finish_reason": "length"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
]
STREAM = b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in CHUNKS) + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "data", [WHOLE, b"\xef\xbb\xbf" + WHOLE, b"\n\n  \n" + WHOLE, b": wait\n\ndata: " + WHOLE + b"\n\ndata: [DONE]\n\n"]
)
def test_bytes_around_the_body_do_no_harm(data):
    assert read(data) == (ANSWER, "", "stop")


def test_a_stream_that_was_not_asked_for_is_read():
    answer = read_completion(STREAM, REQUEST)
    assert (answer.text, answer.thoughts, answer.finish_reason, answer.usage) == (ANSWER, HM, "length", Usage(3, 4))
    with pytest.raises(ValueError, match="broke off"):
        read(STREAM[: STREAM.rindex(b"data: ", 0, STREAM.index(b"length"))])


def test_a_stream_of_parts_is_read():
    deltas = [{"content": [THINKING]}, {"content": ANSWER, "reasoning": None}, {"content": None}]
    chunks = [{"choices": [{"delta": delta}]} for delta in deltas] + [{"choices": [{"finish_reason": "stop"}]}]
    stream = "\n\n".join("data: " + json.dumps(chunk) for chunk in chunks)
    assert read(stream.encode()) == (ANSWER, HM, "stop")


@pytest.mark.parametrize(
    ("choice", "finish"),
    [
        ({"finish_reason": "stop", "native_finish_reason": "MAX_TOKENS"}, "MAX_TOKENS"),
        ({"finish_reason": None, "stop_reason": "max_tokens"}, "max_tokens"),
        ({"finish_reason": "length", "native_finish_reason": "stop"}, "length"),
        ({"finish_reason": "stop", "stop_reason": 128009}, "stop"),
    ],
)
def test_a_word_that_means_cut_counts_before_the_others(choice, finish):
    assert read(body(ANSWER, choice=choice)) == (ANSWER, "", finish)


def test_an_error_of_a_choice_keeps_the_providers_message():
    upstream = {"code": 502, "message": "Provider returned error"}
    with pytest.raises(BodyError) as raised:
        read(body("Half an ans", finish="error", choice={"error": upstream}))
    assert (raised.value.status, raised.value.body) == (502, upstream)


def test_a_withheld_answer_without_text_says_why():
    with pytest.raises(FilterError) as raised:
        read(body(None, finish="content_filter: PROHIBITED_CONTENT"))
    assert raised.value.finish == "content_filter: PROHIBITED_CONTENT"
    with pytest.raises(FilterError) as raised:
        read({"choices": None, "promptFeedback": {"blockReason": "SAFETY"}})
    assert raised.value.finish is None
    assert raised.value.body["promptFeedback"] == {"blockReason": "SAFETY"}


@pytest.mark.parametrize(
    ("word", "end"),
    [
        (None, "whole"),
        ("stop", "whole"),
        ("STOP", "whole"),
        ("FinishReason.STOP", "whole"),
        ("FINISH_REASON_MAX_TOKENS", "cut"),
        ("model_length", "cut"),
        ("content-filter", "withheld"),
        ("content_filter: PROHIBITED_CONTENT", "withheld"),
        ("tool_calls", "other"),
        ("error: stop", "other"),
        ("", "other"),
        ("something new", "other"),
    ],
)
def test_a_word_for_the_end_is_known_or_other(word, end):
    assert ending(word) == end


def test_marks_tell_what_is_unusual():
    for sent, marks in (
        (body(ANSWER), ()),
        (body(f"<think>{HM}"), ("thoughts", "empty")),
        (body(ANSWER, finish="length"), ("cut",)),
        (body("Half", finish="SAFETY"), ("withheld",)),
        (body("", finish="tool_calls"), ("empty",)),
    ):
        assert read_completion(json.dumps(sent).encode(), REQUEST).marks == marks
