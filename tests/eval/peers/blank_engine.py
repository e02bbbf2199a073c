"""Presidio's engine without a model and without the network; for LLM Guard too, which builds on it."""

import spacy
import tldextract
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from spacy.language import Language
from spacy.tokens import Doc

tldextract.extract = tldextract.TLDExtract(
    suffix_list_urls=()
)  # its own snapshot; else it asks the network, and every day differs


@Language.component("words_as_lemmas")
def words_as_lemmas(text: Doc) -> Doc:
    """Recognizers are surer beside words such as "phone", and look for them among lemmas: without any they would be told less."""
    for word in text:
        word.lemma_ = word.lower_
    return text


class BlankEngine(SpacyNlpEngine):
    """spaCy's words and nothing learned."""

    def load(self) -> None:
        self.nlp = {"en": spacy.blank("en")}
        self.nlp["en"].add_pipe("words_as_lemmas")


def blank_engine() -> BlankEngine:
    engine = BlankEngine()
    engine.load()
    return engine
