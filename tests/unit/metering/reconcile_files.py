"""Files as the providers' exports are, by their columns."""

from collections.abc import Iterable
from datetime import date

NEWEST = date(2026, 11, 28)

OPENAI_USAGE = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,input_tokens,"
    "output_tokens,input_cached_tokens,input_uncached_tokens,service_tier"
)
OPENAI_COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,user_id,"
    "api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source"
)
ANTHROPIC_USAGE = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,"
    "web_search_count,inference_geo,speed"
)
ANTHROPIC_COST = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,inference_geo,"
    "speed"
)
AWS_OLDER = (
    "identity/LineItemId,bill/BillingEntity,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,"
    "lineItem/UsageType,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,pricing/unit"
)
AWS_NEWER = (
    "bill_billing_entity,line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,line_item_product_code,"
    "line_item_usage_type,line_item_usage_amount,line_item_currency_code,line_item_unblended_cost,pricing_unit"
)


def csv_file(header: str, rows: Iterable[str]) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def openai_usage(*rows: tuple[str, str, int, int], cached: int = 0) -> bytes:
    """Of (day, model, tokens in, tokens out)."""
    return csv_file(
        OPENAI_USAGE,
        (
            f",,{day}T00:00:00+00:00,{day}T23:59:59+00:00,proj_1,3.0,,key_1,{model},False,{ins},{outs},{cached},"
            f"{ins - cached},default"
            for day, model, ins, outs in rows
        ),
    )


def openai_costs(*rows: tuple[str, str, str]) -> bytes:
    """Of (day, line item, dollars)."""
    return csv_file(
        OPENAI_COSTS,
        (f'1790467200,,{day}T00:00:00+00:00,,{amount},usd,,,"{item}",,,proj_1,org-1,,,,' for day, item, amount in rows),
    )


def anthropic_usage(*rows: tuple[str, str, int, int]) -> bytes:
    return csv_file(
        ANTHROPIC_USAGE,
        (f"{day},{model},key,Default,standard,≤ 200k,{ins - 6},1,2,3,{outs},0,global," for day, model, ins, outs in rows),
    )


def anthropic_cost(*rows: tuple[str, str, str, str]) -> bytes:
    """Of (day, model, type of tokens, dollars)."""
    return csv_file(
        ANTHROPIC_COST,
        (f"{day},{model},Default,key,message,≤ 200k,{kind},{cost},{cost},token,global," for day, model, kind, cost in rows),
    )


def aws(*rows: tuple[str, str, str, str], header: str = AWS_OLDER, unit: str = "1K tokens", kind: str = "Usage") -> bytes:
    """Of (day, usage type, amount, dollars)."""
    head = "id," if header is AWS_OLDER else ""
    return csv_file(
        header,
        (
            f"{head}AWS,{kind},{day}T00:00:00Z,{day}T01:00:00Z,AmazonBedrock,{usage_type},{amount},USD,{cost},{unit}"
            for day, usage_type, amount, cost in rows
        ),
    )
