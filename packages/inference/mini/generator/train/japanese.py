"""Japanese facts, as english.py has English ones."""

import random

KANJI = []  # filled by the tokenizer: every kanji that is a token
KATAKANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワガギグゲゴザジズゼゾダデドバビブベボパピプペポ"
SMALL = ["ー", "ン", "ッ", "", "", "", "ャ", "ュ"]
FAMILY = "佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水 山崎 森 池田 橋本 阿部 石川 前田 藤田 小川 岡田 長谷川 村上 近藤 石井".split()
GIVEN = "太郎 花子 健一 美咲 翔太 陽子 直樹 由美 大輔 恵子 誠 真理 浩 京子 隆 さくら 拓也 千夏 修 明美".split()
NOUNS = """設定 利用者 画面 装置 資料 会議 記録 検査 報告 契約 製品 部品 電源 温度 圧力 水位 速度 容量 回線 通信 接続 認証 暗号 鍵 権限 管理者 担当者 申請 承認 期限 料金 請求 支払い 返品 配送 在庫 倉庫 工場
機械 点検 修理 交換 清掃 警報 表示 印刷 用紙 文書 図面 写真 動画 音声 言語 翻訳 検索 一覧 項目 番号 名前 住所 電話 郵便 受付 窓口 予約 部屋 建物 階段 廊下 駐車場 入口 出口 非常口 避難 訓練 教育 研修 試験 評価 成績 給与 休暇
出張 経費 予算 決算 計画 目標 課題 対策 原因 結果 影響 変更 更新 削除 追加 保存 復元 転送 送信 受信 起動 停止 再起動 初期化 圧縮 展開 分割 結合 計算 測定 監視 通知 警告 異常 故障 障害 復旧 予備 電池 充電 配線 基板 回路
センサー モーター ポンプ バルブ フィルター ケーブル ボタン スイッチ ランプ カメラ プリンター サーバー ファイル フォルダー データベース テーブル キャッシュ メモリー ディスク ネットワーク アドレス パスワード アカウント メール メニュー ウィンドウ
プログラム ライブラリー バージョン ログ エラー タイムアウト ジョブ キュー タスク スレッド プロセス トークン モデル ページ リンク タグ コメント カレンダー テンプレート バックアップ""".split()
VERBS = """変更 削除 追加 保存 確認 交換 点検 送信 受信 起動 停止 登録 解除 表示 印刷 検索 選択 入力 出力 設定 管理 監視 測定 計算 修理 清掃 運転 操作 開始 終了 中断 再開 更新 復元 転送 圧縮 接続 切断 制限 許可 禁止 承認 拒否 取得 提出 作成 編集 公開 共有 予約 配送 返却 廃棄 購入 販売 使用 利用 制御 保護 固定 分解 洗浄 冷却 加熱""".split()
SYNONYMS = dict(pair.split(":") for pair in "削除:消去 変更:修正 開始:スタート 終了:完了 確認:チェック 使用:利用 購入:買い物 作成:製作 停止:ストップ 期限:締め切り 料金:値段 設定:構成 障害:トラブル 異常:不具合 写真:画像 利用者:ユーザー 担当者:係 保存:記録 起動:立ち上げ 修理:修繕".split())
SYNONYMS |= {b: a for a, b in SYNONYMS.items()}


def katakana():
    return "".join(random.choice(KATAKANA) + random.choice(SMALL) for _ in range(random.randint(2, 4)))


def kanji(count=2):
    return "".join(random.choice(KANJI) for _ in range(count)) if KANJI else "川"


def person():
    family = random.choice(FAMILY) if random.random() < 0.6 else kanji()
    return random.choice([family + random.choice(GIVEN), family + kanji(random.choice([1, 2])), family + random.choice(["さん", "氏", "教授", "博士"]), katakana() + "・" + katakana()])


def place():
    return random.choice([kanji() + random.choice("市町村区県"), kanji(), katakana() + "市", random.choice("東西南北上中下") + kanji() ])


def noun():
    roll = random.random()
    word = random.choice(NOUNS)
    return word + "の" + random.choice(NOUNS) if roll < 0.25 else random.choice(NOUNS) + word if roll < 0.4 else random.choice(["新しい", "古い", "大きな", "小さな", "主な", "外部の", "内部の", "予備の", "最初の", "最後の"]) + word if roll < 0.55 else kanji() + word if roll < 0.6 else word


def digits(low, high):
    value = int(low * (high / low) ** random.random())
    return random.choice([str(value), f"{value:,}", str(value)]) if value < 10000 or random.random() < 0.7 else f"{value // 10000}万"


def amount(units):
    return random.choice([digits(2, 900), f"{random.uniform(0.5, 90):.1f}"]) + random.choice(units.split())


def year():
    return random.choice([f"{random.randint(1750, 2030)}年", f"{random.randint(1750, 2030)}年", f"{random.choice(['昭和', '平成', '明治', '大正', '令和'])}{random.randint(2, 60)}年"])


def date():
    return random.choice(["", year()]) + f"{random.randint(1, 12)}月{random.randint(1, 28)}日"


def company():
    return random.choice([katakana() + "株式会社", "株式会社" + kanji(), kanji() + "工業", kanji() + "製作所", katakana() + "社", kanji() + "研究所", kanji() + "協会", kanji() + "大学"])


def path():
    return "/" + random.choice("etc var usr home opt".split()) + "/" + "".join(random.choice("abcdefghijklmnoprstuvwz") for _ in range(random.randint(3, 8))) + random.choice(["", ".conf", ".log", ".json"])


def option():
    return "--" + "".join(random.choice("abcdefghijklmnoprstuvwz") for _ in range(random.randint(3, 8)))


KINDS = {
    "org": (company, ["同社", "当社", "この会社"]), "building": (lambda: random.choice([kanji(), katakana()]) + random.choice(["タワー", "博物館", "図書館", "橋", "駅", "城", "寺", "会館"]), ["その建物", "ここ", "同館"]),
    "person": (person, ["彼", "彼女", "同氏"]), "thing": (lambda: random.choice([katakana(), kanji(), random.choice("ABCDEFGHKLMNPQRSTVXZ") + random.choice("ABCDEFG") + "-" + digits(1, 900)]) + random.choice(["", "ポンプ", "カメラ", "プリンター", "装置", "時計"]), ["本機", "この製品", "この装置"]),
    "software": (lambda: random.choice([katakana(), "".join(random.choice("abcdefghijklmnoprstuvwz") for _ in range(6)), noun() + "サーバー"]), ["このソフト", "このプログラム"]),
    "place": (place, ["同市", "この町"]), "event": (lambda: random.choice([kanji(), katakana()]) + random.choice(["祭り", "大会", "会議", "展覧会", "マラソン"]), ["この催し", "大会"]),
}
CHOICE = lambda text: lambda: random.choice(text.split())
RELATIONS = [
    ("org building", year, "{e}は{v}に設立されました。/{e}は{v}に始まった。/{v}に{e}が開かれました。/{e}の歴史は{v}にさかのぼります。/{e}は{v}から続いている。", "{e}はいつ設立されましたか？/{e}の設立は何年ですか？/{e}はいつ始まりましたか？/{e}はいつからありますか？/{e}の創立はいつ？"),
    ("org", person, "{e}の創業者は{v}です。/{e}は{v}が創業した。/{v}が{e}をつくりました。/{e}を始めたのは{v}である。", "{e}の創業者は誰ですか？/{e}は誰がつくりましたか？/誰が{e}を始めましたか？/{e}を創立した人は？"),
    ("org", place, "{e}の本社は{v}にあります。/{e}は{v}に本部を置く。/{e}の所在地は{v}です。", "{e}の本社はどこにありますか？/{e}はどこにありますか？/{e}の所在地はどこですか？/{e}の本部はどこ？"),
    ("org", lambda: digits(5, 90000) + "人", "{e}の従業員は{v}です。/{e}では{v}が働いています。/{e}の社員数は{v}である。", "{e}の従業員は何人ですか？/{e}では何人が働いていますか？/{e}の社員数は？/{e}の規模はどのくらいですか？"),
    ("org", person, "{e}の社長は{v}です。/{v}が{e}の代表を務める。/{e}を率いているのは{v}です。", "{e}の社長は誰ですか？/{e}の代表は誰ですか？/誰が{e}を率いていますか？/{e}のトップは？"),
    ("org", lambda: digits(10, 90000) + "億円", "{e}の売上高は{v}でした。/{e}は{v}を売り上げた。/昨年の{e}の収入は{v}に達しました。", "{e}の売上高はいくらですか？/{e}はいくら売り上げましたか？/{e}の収入はどのくらい？"),
    ("org thing", CHOICE("自転車 時計 ピアノ 家具 文房具 靴 食器 玩具 化粧品 薬 眼鏡 楽器 農機具 部品 紙 ガラス"), "{e}は{v}を作っています。/{e}の主な製品は{v}です。/{e}は{v}で知られている。", "{e}は何を作っていますか？/{e}の製品は何ですか？/{e}は何で知られていますか？"),
    ("building", lambda: amount("メートル m"), "{e}の高さは{v}です。/{e}は{v}の高さがある。/高さ{v}の{e}は遠くからも見えます。", "{e}の高さは？/{e}はどのくらい高いですか？/{e}の高さは何メートルですか？/{e}は何メートルありますか？"),
    ("building", person, "{e}の設計者は{v}です。/{e}は{v}が設計した。/{v}が{e}の図面を引きました。", "{e}の設計者は誰ですか？/誰が{e}を設計しましたか？/{e}を設計したのは？/{e}の建築家は誰ですか？"),
    ("building", place, "{e}は{v}にあります。/{e}は{v}の中心に建つ。/{v}に行けば{e}が見られます。", "{e}はどこにありますか？/{e}の場所はどこですか？/{e}はどの町にありますか？"),
    ("building event", lambda: digits(100, 5000) + "円", "{e}の入場料は{v}です。/{e}に入るには{v}かかります。/{e}の切符は{v}で買える。", "{e}の入場料はいくらですか？/{e}に入るのにいくらかかりますか？/{e}の料金は？"),
    ("building", lambda: f"{random.randint(6, 11)}時", "{e}は{v}に開きます。/{e}の開館時間は{v}からです。/{e}には{v}から入れる。", "{e}は何時に開きますか？/{e}の開館時間は？/{e}は何時から入れますか？"),
    ("person", place, "{e}は{v}で生まれました。/{e}の出身地は{v}です。/{e}は{v}の出である。", "{e}はどこで生まれましたか？/{e}の出身地はどこですか？/{e}の故郷は？"),
    ("person", date, "{e}は{v}に生まれた。/{e}の誕生日は{v}です。", "{e}はいつ生まれましたか？/{e}の誕生日はいつですか？/{e}の生年月日は？"),
    ("person", CHOICE("医師 教師 画家 技師 料理人 看護師 弁護士 農家 漁師 作家 通訳 大工 写真家 会計士"), "{e}の職業は{v}です。/{e}は{v}として働いていた。/{e}は{v}になりました。", "{e}の職業は何ですか？/{e}は何の仕事をしていましたか？/{e}は何になりましたか？"),
    ("thing", lambda: amount("kg グラム キロ"), "{e}の重さは{v}です。/{e}は{v}の重量がある。/{e}の質量は{v}です。", "{e}の重さは？/{e}はどのくらい重いですか？/{e}の重量はいくらですか？"),
    ("thing", lambda: digits(300, 900000) + "円", "{e}の価格は{v}です。/{e}は{v}で売られている。/{e}の値段は{v}になります。", "{e}の価格はいくらですか？/{e}はいくらですか？/{e}の値段は？/{e}を買うにはいくら必要ですか？"),
    ("thing", lambda: amount("時間 分 日"), "{e}の電池は{v}もちます。/{e}は一回の充電で{v}動く。/{e}の連続使用時間は{v}です。", "{e}の電池はどのくらいもちますか？/{e}は充電で何時間動きますか？/{e}の連続使用時間は？"),
    ("thing", lambda: amount("か月 年"), "{e}の保証期間は{v}です。/{e}には{v}の保証が付く。", "{e}の保証期間は？/{e}は何年保証ですか？/{e}の保証はどのくらいですか？"),
    ("thing", CHOICE("赤 青 緑 黒 白 灰色 黄色 銀色 茶色 紫"), "{e}の色は{v}です。/{e}は{v}だけで売られている。", "{e}は何色ですか？/{e}の色は？/{e}の色は何ですか？"),
    ("thing", company, "{e}は{v}が製造しています。/{e}のメーカーは{v}です。/{v}が{e}を作った。", "{e}を作っているのはどこですか？/{e}のメーカーは？/{e}はどの会社が製造していますか？"),
    ("thing software", year, "{e}は{v}に発売されました。/{e}は{v}に公開された。/{v}に{e}が世に出た。", "{e}はいつ発売されましたか？/{e}が公開されたのはいつですか？/{e}の発売は何年？/{e}はいつ出ましたか？"),
    ("software", lambda: digits(80, 9000), "{e}はポート{v}を使います。/{e}の標準ポートは{v}です。/{e}への接続はポート{v}で受け付ける。", "{e}のポートは何番ですか？/{e}はどのポートを使いますか？/{e}にはどのポートで接続しますか？"),
    ("software", path, "{e}の設定は{v}にあります。/{e}の設定ファイルは{v}です。/{e}は{v}を読み込む。", "{e}の設定はどこにありますか？/{e}の設定ファイルはどれですか？/{e}は何を読み込みますか？"),
    ("software", person, "{e}の作者は{v}です。/{e}は{v}が開発した。/{v}が{e}を保守しています。", "{e}の作者は誰ですか？/誰が{e}を開発しましたか？/{e}を作ったのは誰？"),
    ("place", lambda: digits(900, 900000) + "人", "{e}の人口は{v}です。/{e}には{v}が住んでいます。", "{e}の人口は？/{e}には何人住んでいますか？/{e}の住民は何人ですか？"),
    ("place", person, "{e}の市長は{v}です。/{v}が{e}の長に選ばれた。", "{e}の市長は誰ですか？/{e}の長に選ばれたのは？"),
    ("event", date, "{e}は{v}に開かれます。/{e}の日程は{v}です。/{v}に{e}が行われる。", "{e}はいつ開かれますか？/{e}の日程は？/{e}はいつですか？/{e}は何日に行われますか？"),
    ("event", place, "{e}は{v}で開かれます。/{e}の会場は{v}です。", "{e}はどこで開かれますか？/{e}の会場はどこですか？/{e}の場所は？"),
    ("event", person, "{e}で優勝したのは{v}です。/{v}が{e}に勝った。/{e}の優勝者は{v}でした。", "{e}で優勝したのは誰ですか？/{e}の優勝者は？/誰が{e}に勝ちましたか？"),
]
RELATIONS = [(kinds.split(), value, statements, questions.split("/")) for kinds, value, statements, questions in RELATIONS]
BY_KIND = {kind: [relation for relation in RELATIONS if kind in relation[0]] for kind in KINDS}

# {a} {b} {c} nouns, {v} {w} verbs, {o} an option, {f} a path, {n} an amount, {p} a person, {t} a date, {q} a place.
FORMS = """{a}は{b}を{v}します。|{a}は何を{v}しますか？|{b}を{v}するのは何ですか？|何が{b}を{v}しますか？
{a}は{b}を{v}するために使う。|{a}は何のために使いますか？|{b}を{v}するには何を使いますか？|{a}の用途は？
{b}を{v}するには、{a}を{w}してください。|{b}を{v}するにはどうしますか？|{b}の{v}の方法は？|どうすれば{b}を{v}できますか？|{b}を{v}したい
{b}を{v}する前に、{a}を{w}します。|{b}を{v}する前に何をしますか？|{a}はいつ{w}しますか？
{o}は{a}を{v}するオプションです。|{o}とは何ですか？|{a}を{v}するオプションは？|{o}は何をしますか？
{a}は{f}に保存されます。|{a}はどこに保存されますか？|{a}の保存先は？|{a}はどのファイルにありますか？
{a}の上限は{n}です。|{a}の上限は？|{a}は最大でいくつですか？|{a}はどこまで許されますか？
{a}は{n}ごとに{v}します。|{a}はどのくらいの間隔で{v}しますか？|{a}は何ごとに{v}しますか？|どのくらいの頻度で{a}を{v}しますか？
{a}の初期値は{n}です。|{a}の初期値は？|{a}は何も指定しないといくつですか？|{a}の標準の値は何ですか？
{a}が{v}された場合、{b}は{w}されます。|{a}が{v}されるとどうなりますか？|{b}はいつ{w}されますか？|{a}が{v}された場合は？
{b}が{v}できないときは、{a}を{w}してください。|{b}が{v}できないときはどうしますか？|{b}を{v}できない場合の対処は？
{b}の{v}中は{a}を{w}しないでください。|{b}の{v}中にしてはいけないことは？|{a}を{w}してはいけないのはいつですか？
{a}とは、{b}を{v}する{c}のことです。|{a}とは何ですか？|{a}の意味は？|{b}を{v}する{c}を何と言いますか？
{a}は{b}と{c}から成る。|{a}は何から成りますか？|{a}の構成は？|{a}の部品は何ですか？
{a}は{b}の下にあります。|{a}はどこにありますか？|{a}の位置は？|{b}の下には何がありますか？
{a}が{v}されるため、{b}は{w}できません。|なぜ{b}は{w}できませんか？|{b}を{w}できない理由は？
{a}には{b}が必要です。|{a}には何が必要ですか？|{b}が必要なのは何ですか？
{a}は{p}が{t}に{v}した。|{a}を{v}したのは誰ですか？|{a}はいつ{v}されましたか？|誰が{a}を{v}しましたか？
{a}の{v}には{n}かかります。|{a}の{v}にはどのくらいかかりますか？|{a}を{v}する時間は？
{a}の{v}は{q}で行います。|{a}の{v}はどこで行いますか？|{a}はどこで{v}しますか？
{a}は{p}に{v}してもらってください。|{a}は誰に{v}してもらいますか？|{a}の{v}は誰の仕事ですか？|{a}の{v}の担当は誰ですか？
{a}と{b}の違いは{c}です。|{a}と{b}の違いは何ですか？|{a}は{b}とどう違いますか？
{a}を{v}すると{b}が{w}されます。|{a}を{v}するとどうなりますか？|どうすると{b}が{w}されますか？
{a}は{n}以上でなければならない。|{a}は最低どのくらい必要ですか？|{a}の下限は？""".split("\n")
FORMS = [line.split("|") for line in FORMS]


def slots():
    words = {letter: noun() for letter in "abc"} | {letter: random.choice(VERBS) for letter in "vw"}
    return words | {"o": option(), "f": path(), "n": amount("分 秒 時間 日 MB 度 個 件 人 % 回 mm"), "p": person(), "t": date(), "q": place()}


def fill(template, words):
    for letter, word in words.items():
        template = template.replace(f"{{{letter}}}", word)
    return template


def plain(text):
    """Endings of another style."""
    if random.random() < 0.3:
        for polite, other in (("してください。", "すること。"), ("されます。", "される。"), ("します。", "する。"), ("です。", "である。"), ("あります。", "ある。"), ("ました。", "た。")):
            if text.endswith(polite) and not (polite == "ました。"):
                return text[: -len(polite)] + other
    return text


LEADS = ["", "", "", "", "", "", "なお、", "通常、", "また、", "現在、", "ただし、", "一般に、", "例えば、"]


def statement(words=None):
    form, words = random.choice(FORMS), words or slots()
    return random.choice(LEADS) + plain(fill(form[0], words)), form[1:], words


def neighbour(words):
    other = slots()
    for letter in random.sample("abcvwo", random.choice([1, 1, 2])):
        other[letter] = words[letter]
    return statement(other)[0]


def colloquial(question):
    roll = random.random()
    if roll < 0.12:
        return question.rstrip("？")
    if roll < 0.2:
        return question.replace("ですか？", "？").replace("ますか？", "ますか。")
    return question.replace("？", "?") if roll < 0.28 else "教えてください。" + question if roll < 0.3 else question


def manual_question(questions, words):
    if random.random() < 0.3:
        words = {letter: SYNONYMS.get(word, word) if random.random() < 0.5 else word for letter, word in words.items()}
    if random.random() < 0.07:
        return " ".join(words[letter] for letter in random.sample("abv", 2))
    return colloquial(fill(random.choice(questions), words))


def facts(count, kind=None, among=None):
    kind = kind or random.choice(list(KINDS))
    name, again = KINDS[kind][0](), random.choice(KINDS[kind][1])
    relations = random.sample(BY_KIND[kind], min(count, len(BY_KIND[kind])))
    if among is not None:
        relations = [relation for relation in BY_KIND[kind] if relation[3] in among]
    found = []
    for _, value, statements, questions in relations:
        template, drawn = random.choice(statements.split("/")), value()
        found.append((template.format(e=name, v=drawn), template.format(e=again, v=drawn), questions))
    return kind, name, again, found


def dress(sentence):
    return random.choice(LEADS) + plain(sentence) if random.random() < 0.4 else sentence


def ask(template, name):
    return colloquial(template.format(e=name))


def unstated(kind, name, taken):
    others = [relation for relation in BY_KIND[kind] if relation[3] not in taken]
    return ask(random.choice(random.choice(others)[3]), name) if others else None


def soup_sentence(words, kept=()):
    body = random.choices(words, k=random.randint(3, 9)) + list(kept)
    random.shuffle(body)
    return random.choice(["の", "は", "と", ""]).join(body) + "。"
