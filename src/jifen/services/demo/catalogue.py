"""What the demo shop sells, and where."""

from __future__ import annotations

from typing import NamedTuple


class Product(NamedTuple):
    """Something on sale. `price_cents` is the list price; `weight` how often it is bought."""

    sku: str
    name: str
    category: str
    brand: str
    price_cents: int
    weight: int


_BRANDS = {
    "beauty": ("白鹭 Egret", "木槿 Mujin"),
    "baby": ("小豆芽 Sprout", "云朵 Cloudlet"),
    "food": ("山谷 Valley", "一口田 Morsel"),
    "apparel": ("素履 Sulu", "北岸 Northshore"),
    "electronics": ("极光 Aurora", "灯塔 Beacon"),
    "home": ("半亩 Banmu", "炉火 Hearth"),
}

#: Category, name, list price in fen, how often it is bought.
_PRODUCTS = (
    ("beauty", "洁面乳 Face cleanser", 7_900, 9),
    ("beauty", "保湿面霜 Face cream", 16_800, 7),
    ("beauty", "防晒乳 Sunscreen", 12_900, 6),
    ("beauty", "口红 Lipstick", 22_000, 5),
    ("beauty", "面膜十片装 Face masks, 10", 9_900, 9),
    ("beauty", "护手霜 Hand cream", 3_900, 8),
    ("baby", "纸尿裤 M 码 Nappies, size M", 13_900, 8),
    ("baby", "婴儿湿巾 Baby wipes", 2_990, 10),
    ("baby", "奶瓶 Feeding bottle", 8_900, 4),
    ("baby", "儿童绘本 Picture book", 3_580, 5),
    ("baby", "连体衣 Romper", 11_900, 3),
    ("food", "坚果礼盒 Nut gift box", 12_800, 7),
    ("food", "龙井茶 Longjing tea", 19_800, 4),
    ("food", "燕麦片 Oatmeal", 3_290, 11),
    ("food", "橄榄油 Olive oil", 8_680, 5),
    ("food", "咖啡豆 Coffee beans", 6_900, 8),
    ("food", "即食鸡胸肉 Chicken breast, ready to eat", 4_590, 9),
    ("food", "月饼礼盒 Mooncake gift box", 23_800, 2),
    ("apparel", "纯棉T恤 Cotton T-shirt", 9_900, 9),
    ("apparel", "牛仔裤 Jeans", 25_900, 5),
    ("apparel", "羽绒服 Down jacket", 69_900, 3),
    ("apparel", "运动鞋 Trainers", 39_900, 4),
    ("apparel", "羊毛围巾 Wool scarf", 18_900, 3),
    ("apparel", "袜子五双装 Socks, 5 pairs", 4_900, 10),
    ("electronics", "蓝牙耳机 Bluetooth earphones", 29_900, 4),
    ("electronics", "充电宝 Power bank", 12_900, 5),
    ("electronics", "智能手环 Fitness band", 24_900, 3),
    ("electronics", "平板电脑 Tablet", 219_900, 1),
    ("electronics", "数据线 Charging cable", 2_900, 9),
    ("electronics", "台灯 Desk lamp", 15_900, 3),
    ("home", "四件套 Bed linen, 4 pieces", 32_900, 3),
    ("home", "保温杯 Thermos cup", 9_900, 7),
    ("home", "香薰蜡烛 Scented candle", 8_800, 5),
    ("home", "不粘锅 Non-stick pan", 21_900, 3),
    ("home", "收纳箱 Storage box", 5_900, 6),
    ("home", "洗衣液 Laundry liquid", 4_990, 11),
)


def _catalogue() -> tuple[Product, ...]:
    products = []
    for number, (category, name, price_cents, weight) in enumerate(_PRODUCTS, 1):
        brands = _BRANDS[category]
        brand = brands[number % len(brands)]
        products.append(Product(f"{category[:2].upper()}{number:03}", name, category, brand, price_cents, weight))
    return tuple(products)


#: Everything on sale.
CATALOGUE = _catalogue()
PRODUCT_WEIGHTS = tuple(product.weight for product in CATALOGUE)

#: Where orders come from, how often, and the stores behind the tills.
CHANNELS = ("mini_program", "store", "app", "web")
CHANNEL_WEIGHTS = (45, 30, 18, 7)
STORES = ("上海静安店", "上海浦东店", "杭州西湖店", "南京新街口店", "成都太古里店", "深圳南山店")
STORE_WEIGHTS = (28, 22, 16, 12, 12, 10)

#: What points are spent on where a program has no rewards: a name, and the points it costs.
PLAIN_SPENDS = (
    ("10 元优惠券 10 yuan coupon", 200),
    ("咖啡兑换券 Coffee voucher", 350),
    ("帆布袋 Tote bag", 600),
    ("保温杯 Thermos cup", 1_200),
    ("香薰礼盒 Scented gift set", 2_500),
    ("蓝牙耳机 Bluetooth earphones", 6_000),
)

#: Why a clerk corrects a balance: the code of the reason, the reason and the points.
ADJUSTMENTS = (
    ("late", "物流延误补偿 Delivery was late", 200),
    ("damaged", "商品破损补偿 Goods were damaged", 500),
    ("damaged", "整箱破损补偿 A whole box was broken", 1_500),
    ("goodwill", "周年感谢 Anniversary thanks", 100),
    ("event", "门店活动补录 In-store event, added later", 300),
)
