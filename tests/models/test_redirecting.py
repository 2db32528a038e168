"""No member of a seat's `extra` carries a key elsewhere; what a model is asked with stays."""

from typing import Any

import pytest
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from pydantic import SecretStr, ValidationError

from langgraph_fusion.graph.seat import ModelSeat
from langgraph_fusion.models.providers import ModelRef, providers
from langgraph_fusion.models.redirecting import redirecting

AZURE, OPENAI = ModelRef("azure_openai", "gpt"), ModelRef("openai", "gpt")
EVIL = "https://evil.example"
OF_PACKAGES = (
    "azure_endpoint", "azureEndpoint", "base_url", "openai_api_base", "api_base", "endpoint_url",
    "endpoint", "anthropic_api_url", "groq_api_base", "groq_proxy", "openai_proxy", "proxies",
    "anthropic_proxy", "default_headers", "default-headers", "default_query", "extra_headers",
    "extra_query", "additional_headers", "client_options", "client_args", "http_client",
    "http_async_client", "root_client", "async_client", "transport", "api_key", "openai_api_key",
    "xai_api_key", "azure_ad_token", "azure_ad_token_provider", "organization", "region_name",
    "aws_access_key_id", "aws_session_token", "credentials_profile_name", "credentials",
    "service_account_file", "location", "project", "base_path", "server_url", "verify_ssl",
    "configurable_fields", "config", "model_provider", "huggingfacehub_api_token", "api_version",
)  # fmt: skip
OF_BODIES = (
    "api_base", "base_url", "api_key", "api_version", "headers", "extra_headers", "proxies",
    "azure_endpoint", "custom_llm_provider", "litellm_credential_name", "vertex_credentials",
    "aws_bedrock_runtime_endpoint", "organization", "extra_body",
)  # fmt: skip
HARMLESS = (
    "temperature", "top_p", "top_k", "min_p", "seed", "stop", "stop_sequences", "max_tokens",
    "max_output_tokens", "thinking", "betas", "reasoning", "reasoning_effort", "logit_bias",
    "frequency_penalty", "presence_penalty", "repetition_penalty", "safety_settings", "provider",
    "response_mime_type", "service_tier", "transforms", "verbosity", "cache_control", "models",
    "prompt_cache_key", "user", "logprobs", "parallel_tool_calls",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_PACKAGES)
def test_an_argument_of_a_package_that_names_an_address_or_a_key_is_refused(name: str) -> None:
    speaking = [one for one in providers().values() if one.package]
    assert speaking
    for one in speaking:
        for extra in ({name: EVIL}, {"model_kwargs": {name: EVIL}}, {"a": [{"b": {name: EVIL}}]}):
            assert redirecting(ModelRef(one.name, "m"), extra) == [name]
            for seat in (
                {"model": f"{one.name}:m"},
                {"model": "v/m", "fallbacks": [f"{one.name}:m"]},
            ):
                with pytest.raises(ValidationError, match="elsewhere"):
                    ModelSeat.model_validate(seat | {"extra": extra})


@pytest.mark.parametrize("name", OF_BODIES)
def test_a_member_of_a_body_that_a_gateway_takes_for_an_address_is_refused(name: str) -> None:
    for extra in ({name: EVIL}, {"metadata": {name: EVIL}}):
        assert redirecting(OPENAI, extra) == [name]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_model_is_asked_with_is_passed_on(name: str) -> None:
    assert redirecting(OPENAI, {name: 1}) == []
    assert redirecting(AZURE, {name: 1}) == []


@pytest.mark.parametrize("kind", [ChatOpenAI, AzureChatOpenAI])
def test_every_secret_and_address_of_openais_package_is_known(kind: Any) -> None:
    for name, field in kind.model_fields.items():
        if "Secret" in str(field.annotation) or field.annotation is SecretStr or "client" in name:
            for spelling in {name, field.alias or name}:
                assert redirecting(AZURE, {spelling: EVIL}) == [spelling]
