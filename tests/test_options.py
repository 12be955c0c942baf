import pytest

from ganonymization.errors import OptionError
from ganonymization.options import added_box


def test_a_box_is_left_top_width_height():
    assert added_box("10,20,30.5,40") == (10, 20, 40.5, 60)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,0,5", "0,0,nan,5"])
def test_another_form_is_refused(text):
    with pytest.raises(OptionError, match="x,y,w,h"):
        added_box(text)
