"""Colours and typefaces of the page; the typeface comes with Gradio, so nothing is fetched from elsewhere."""

import gradio as gr

# Gradio's semibold files hold only some letters; regular and bold are complete.
_SANS = (
    gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)),
    "system-ui",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "sans-serif",
)
_MONO = (
    gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)),
    "ui-monospace",
    "Consolas",
    "Noto Sans Mono CJK SC",
    "monospace",
)


def theme() -> gr.themes.Base:
    """The page's theme: quiet greys, one teal accent, in light and dark."""
    made = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=_SANS,
        font_mono=_MONO,
    )
    return made.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="#0d1418",
        background_fill_primary_dark="#131c21",
        background_fill_secondary_dark="#18232a",
        block_background_fill="#ffffff",
        block_background_fill_dark="#131c21",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="#26343c",
        border_color_primary_dark="#26343c",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_text_color="*neutral_500",
        block_label_text_color_dark="*neutral_400",
        block_title_text_color="*neutral_500",
        block_title_text_color_dark="*neutral_400",
        block_title_text_size="*text_sm",
        input_background_fill="#ffffff",
        input_background_fill_dark="#18232a",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="#2e3f48",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_500",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="#18232a",
        button_secondary_background_fill_hover_dark="#213038",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="#2e3f48",
        button_border_width="1px",
    )
