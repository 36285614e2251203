"""Bodies that no model writes: each is an answer or one error, in a time that grows with its length alone."""

import json
from typing import Any

import pytest
from growth import grows_linearly

from scai_cli.experiment.model_settings import ModelSettings
from scai_cli.messages import ChatRequest, Message, Usage
from scai_cli.models.endpoint import endpoint_of
from scai_cli.models.logprobs import answer_logprobs
from scai_cli.models.wire import BodyError, read_completion, unused_response

REQUEST = ChatRequest("c", "user", "test", "m", (Message("user", "Hello"),))


def body(text: Any = "Yes.", **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], **more}


def read(sent: dict[str, Any]):
    return read_completion(json.dumps(sent).encode(), REQUEST)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        body("a" * 1_000_001),
        body(["ab" * 300_000, {"type": "thinking", "text": "cd" * 210_000}]),
        {"choices": [{"message": {"content": None, "refusal": "a" * 1_000_001}}]},
        body(usage=[0] * 2_000_000),
        body(**{f"key{n}": {} for n in range(520_000)}),
    ],
    ids=["text", "thoughts", "refusal", "numbers", "keys"],
)
def test_a_response_that_is_longer_than_any_answer_is_refused(sent):
    with pytest.raises(BodyError) as raised:
        read(sent)
    assert "is too long: " in raised.value.body


def test_a_long_response_with_few_values_is_an_answer():
    assert read(body("a,[{" * 124_000, more="a,[{" * 999_000)).text == "a,[{" * 124_000


def test_the_text_of_an_unused_response_is_kept_up_to_the_length_of_an_answer():
    sent = body("a" * 1_100_000, usage={"prompt_tokens": 3, "completion_tokens": 5})
    unused = unused_response(json.dumps(sent).encode(), endpoint_of(ModelSettings(base_url="http://h/v1")))
    assert (len(unused.text), unused.input_tokens, unused.output_tokens) == (500_000, 3, 5)


@pytest.mark.parametrize("number", [10**12, 10**30, 1e300, "9" * 400, float("inf"), float("nan"), -(10**30), True])
def test_a_number_of_tokens_that_cannot_be_one_does_not_count(number):
    usage = read(body(usage={"prompt_tokens": number, "completion_tokens": number})).usage
    assert usage in (Usage(2, 1), Usage(0, 0), Usage(1, 1))


def test_long_words_beside_the_answer_are_cut():
    answer = read({**body(), "model": "m" * 5000, "choices": [{**body()["choices"][0], "finish_reason": "f" * 5000}]})
    assert (len(answer.model), len(answer.finish_reason)) == (200, 200)


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices": ' + b"9" * 30_000 + b"}",
        b"[" * 300_000,
        b'{"a":' * 990,
        b'{"choices":[{"message":{"content":' + b'["' * 900,
        b"\xff\xfe" * 1000,
        b"\0" * 1000,
        b"data: {\n" * 1000,
    ],
)
def test_json_that_cannot_be_read_is_a_value_error(data):
    with pytest.raises((ValueError, RecursionError)) as raised:
        read_completion(data, REQUEST)
    assert not isinstance(raised.value, BodyError)


def test_a_stream_is_read_up_to_its_last_chunk_whatever_comes_between():
    chunk = json.dumps({"choices": [{"delta": {"content": "a"}}]}).encode()
    end = json.dumps({"choices": [{"delta": {}, "finish_reason": "stop"}]}).encode()
    data = b"\xef\xbb\xbf: hello\n\n" + b"data: " + chunk + b"\r\n\n\n\nevent: x\ndata: [DONE {\ndata:" + end
    with pytest.raises(ValueError, match="line 1"):
        read_completion(data, REQUEST)
    assert read_completion(data.replace(b"[DONE {", b"[DONE]"), REQUEST).text == "a"


@pytest.mark.parametrize(
    "shape",
    [
        lambda n: {"choices": [{"message": {"content": [{"type": "thinking", "text": str(k)} for k in range(n)]}}]},
        lambda n: body([{"type": "text", "text": f"<think>{k}"} for k in range(n)]),
        lambda n: body([f'"{k}' for k in range(n)]),
        lambda n: {**body(), "error": None, "usage": {str(k): k for k in range(n)}},
    ],
)
def test_the_time_grows_with_the_number_of_parts_alone(shape):
    assert grows_linearly(lambda size: read(shape(size)), 4_000)


@pytest.mark.parametrize("answer", [lambda n: "b" + "a" * n, lambda n: "a" * n, lambda n: "A" * n])
def test_the_time_for_log_probabilities_grows_with_their_number_alone(answer):
    def find(size: int) -> None:
        answer_logprobs({"content": [{"token": "a"} for _ in range(2 * size)]}, answer(size), 0)

    assert grows_linearly(find, 8_000)
