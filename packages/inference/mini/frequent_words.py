"""Words that say little about a text, and how much their n-grams count (1 is an ordinary n-gram)."""

_ENGLISH_GRAMMAR = """
the of and to in a is that it for as was with be by on not he his but at are this have from or had an they which one
you were all her she there would their we him been has when who will no more if out so up said what its about than
into them can only other time some could these two may then do first any my now such like our over me even most made
after also did many off before must well back through years much where your way down should because long each just
those how too good very make world still see own men work here get between both life being under never same another
know while last might us great old year come since against go came right used take three does how i am why whom
whose let's don't didn't doesn't isn't aren't wasn't can't won't it's i'm you're we're they're
tell explain describe please mean means called give find using use uses
"""
_ENGLISH_ENDINGS = "ing tion ed ly ment ness er ers est able ible ity ous ive al ation ations es ions s"

_JAPANESE_GRAMMAR = """
です ます でした ました ません でしょう である であった ている ていた ています していて してい する した して します しました される
された されて されます させる こと もの ところ とき ため よう ように という といった として とする について において における
により による によって ための から まで より だけ など なども ほど くらい ばかり でも では には とは へは からの までの ので のに
けれど けれども しかし また そして それ これ あれ どれ その この あの どの ここ そこ どこ なに なぜ いつ だれ どう ような
ことが ことを ことに ことは ものは ものが ものを ある ない なる いる あり なり おり れる られる れて られ せる たい たち
また、 その他 場合 とき 何で 何が 何を ですか ますか でしょうか ください 教えて
"""

ENGLISH = {f"{word}": 0.1 for word in _ENGLISH_GRAMMAR.split()}
JAPANESE = {word: 0.25 for word in _JAPANESE_GRAMMAR.split()}
ENDINGS = {f"{ending} ": 0.5 for ending in _ENGLISH_ENDINGS.split()}
