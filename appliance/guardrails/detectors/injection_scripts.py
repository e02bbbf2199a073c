"""Orders to drop earlier instructions, in scripts that RE2's flat text can't tell apart: Devanagari, Chinese, Japanese, Korean,
Cyrillic, Arabic, and languages in Latin letters with others of their own.

Gaps are bounded, and a sentence's end closes them: time is linear.
"""

import re
from collections.abc import Iterator

from appliance.guardrails.detectors import injection
from appliance.guardrails.finding import Finding
from appliance.guardrails.normal_text import NormalText

_GAP = r"[^.!?。！？।\n]{0,30}?"
OVERRIDE_ELSEWHERE = re.compile(
    rf"(?:पिछल[ेीा]|ऊपर|पहले|पूर्व|पुरान[ेीा]|सभी|सारे|अपने){_GAP}(?:निर्देश|नियम|आदेश|हिदायत|दिशानिर्देश|इंस्ट्रक्शन){_GAP}"
    r"(?:अनदेख|नज़रअंदाज|नज़रअंदाज|नजरअंदाज|भूल|भुला|रद्द|छोड़|छोड़|मत मान|हटा|इग्नोर)"
    r"|(?:忽略|无视|忘记|忘掉|忘了|不要理会|不用管|抛开|跳过|取消|無視|忽視)[^。!?！？\n]{0,14}?(?:指令|指示|规则|規則|提示词|提示|限制|设定|命令)"
    r"|(?:これまで|上記|以前|前|今まで|全て|すべて)[^。!?\n]{0,12}?(?:指示|命令|ルール|指令|プロンプト)[^。!?\n]{0,6}?(?:無視|忘れ|破棄|取り消)"
    r"|(?:이전|위의|지금까지|앞의|모든)[^.!?\n]{0,12}?(?:지시|명령|규칙|지침|프롬프트)[^.!?\n]{0,6}?(?:무시|잊|버리)"
    rf"|(?i:игнорир|забуд|отмени|не обращай внимания на|пренебрег)\w{{0,8}} {_GAP}(?i:инструкц|указани|правил|команд|промпт)"
    rf"|(?:تجاهل|انس|تجاوز){_GAP}(?:التعليمات|الأوامر|القواعد|تعليمات)"
    rf"|(?i:önceki|yukarıdaki|tüm){_GAP}(?i:talimat|kural|komut){_GAP}(?i:yok say|unut|görmezden)"
    rf"|(?i:bỏ qua|quên){_GAP}(?i:hướng dẫn|chỉ dẫn|quy tắc|chỉ thị)"
    rf"|(?i:αγνόησε|ξέχασε){_GAP}(?i:οδηγίες|εντολές|κανόνες)"
    rf"|(?i:zapomeň|ignoruj|zignoruj|zapomnij){_GAP}(?i:pokyn|instrukc|polece|příkaz|pravidl)"
    rf"|(?:התעלם|תתעלם|שכח){_GAP}(?:ההוראות|הכללים|הוראות)"
)
_TALK = re.compile(r"[\"'“‘«「『(]\s*$|(?:मतलब|उदाहरण|例如|比如|例えば|например|예를 들어|مثل)\W{0,3}$")


class OtherScripts:
    name = "injection_scripts"
    types: tuple[str, ...] = (injection.TYPE,)

    def find(self, text: NormalText) -> Iterator[Finding]:
        if text.text.isascii():
            return
        for match in OVERRIDE_ELSEWHERE.finditer(text.text):
            is_talk = _TALK.search(text.text, max(0, match.start() - 16), match.start()) is not None
            yield Finding(
                type=injection.TYPE, start=match.start(), end=match.end(), score=0.35 if is_talk else 0.8, detector=self.name
            )
