import streamlit as st

st.title("profile")
